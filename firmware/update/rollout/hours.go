package rollout

import (
	"fmt"
	"strings"
	"time"
)

// Hours is the part of a day in which a phone may leave by itself. The zero value
// is any time.
type Hours struct {
	set      bool
	from, to time.Duration // since midnight
}

const anyHours = "any"

// ParseHours reads "22:00-05:30", or "any" for any time.
func ParseHours(s string) (Hours, error) {
	if s == anyHours {
		return Hours{}, nil
	}
	from, to, _ := strings.Cut(s, "-")
	a, err1 := time.Parse("15:04", from)
	b, err2 := time.Parse("15:04", to)
	if err1 != nil || err2 != nil || a.Equal(b) {
		return Hours{}, fmt.Errorf("hours %.40q: want two times of a day, 22:00-05:30", s)
	}
	return Hours{true, clockOf(a), clockOf(b)}, nil
}

// String is what ParseHours reads.
func (h Hours) String() string {
	if !h.set {
		return anyHours
	}
	var midnight time.Time
	return midnight.Add(h.from).Format("15:04") + "-" + midnight.Add(h.to).Format("15:04")
}

// MarshalText is String.
func (h Hours) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText is ParseHours.
func (h *Hours) UnmarshalText(text []byte) (err error) {
	*h, err = ParseHours(string(text))
	return err
}

// Contain reports whether a time is within the hours, by the clock of its location.
func (h Hours) Contain(t time.Time) bool {
	d := clockOf(t)
	switch {
	case !h.set:
		return true
	case h.from < h.to:
		return h.from <= d && d < h.to
	}
	return d >= h.from || d < h.to
}

// Next is when the hours begin after t, or t if it is within them.
func (h Hours) Next(t time.Time) time.Time {
	if h.Contain(t) {
		return t
	}
	begin := func(days int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day()+days, 0, int(h.from/time.Minute), 0, 0, t.Location())
	}
	if today := begin(0); !today.Before(t) {
		return today
	}
	return begin(1)
}

// clockOf is what a clock shows, without seconds, since midnight.
func clockOf(t time.Time) time.Duration {
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}

// idle is how long nobody must have called where it is not known what time of day it is.
const idle = time.Hour

// Leisure is when a phone may leave by itself: within its hours, and without a clock that is
// right, after a long time without a call. Nobody calls then in either case.
type Leisure struct {
	hours Hours
	idle  time.Time // since when nobody calls; zero: somebody does, or it is not known
}

// NewLeisure makes the leisure of a phone that has just been started.
func NewLeisure(h Hours) *Leisure { return &Leisure{hours: h} }

// Step takes what is so now; wall is whether the clock is right. It reports whether
// the phone may leave.
func (l *Leisure) Step(now time.Time, busy, wall bool) bool {
	switch {
	case busy:
		l.idle = time.Time{}
	case l.idle.IsZero():
		l.idle = now
	}
	return !busy && !l.Next(now, wall).After(now)
}

// Next is the earliest time at which the phone may leave, if nobody calls from now on.
func (l *Leisure) Next(now time.Time, wall bool) time.Time {
	switch {
	case !l.hours.set:
		return now
	case wall:
		return l.hours.Next(now)
	case l.idle.IsZero():
		return now.Add(idle)
	}
	if end := l.idle.Add(idle); end.After(now) {
		return end
	}
	return now
}
