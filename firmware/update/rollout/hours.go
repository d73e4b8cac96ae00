package rollout

import (
	"fmt"
	"strings"
	"time"
)

// Hours are the hours of the day in which a phone may leave by itself. The zero value
// is any time.
type Hours struct {
	set      bool
	from, to time.Duration // since midnight
}

// ParseHours reads "22:00-05:30", or "" for any time.
func ParseHours(s string) (Hours, error) {
	if s == "" {
		return Hours{}, nil
	}
	from, to, _ := strings.Cut(s, "-")
	a, err1 := time.Parse("15:04", from)
	b, err2 := time.Parse("15:04", to)
	if err1 != nil || err2 != nil || a.Equal(b) {
		return Hours{}, fmt.Errorf("hours %.40q: want two times of a day, 22:00-05:30", s)
	}
	since := func(t time.Time) time.Duration {
		return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	}
	return Hours{true, since(a), since(b)}, nil
}

// Contain reports whether a time is within the hours, by the clock of its location.
func (h Hours) Contain(t time.Time) bool {
	if !h.set {
		return true
	}
	d := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	if h.from < h.to {
		return h.from <= d && d < h.to
	}
	return d >= h.from || d < h.to
}
