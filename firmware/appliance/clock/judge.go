package clock

import "time"

const (
	nearEnough = 100 * time.Millisecond
	insist     = 3 // times that a server says that it is earlier
)

// Near reports whether a clock that is wrong by so much is right.
func Near(off time.Duration) bool { return off > -nearEnough && off < nearEnough }

// Judge decides whether the clock is set to what a time server says: forward at once,
// back only when servers say so three times in a row, for then what was kept was wrong.
type Judge struct{ back int }

// Sets takes one answer.
func (j *Judge) Sets(now, server time.Time) bool {
	off := server.Sub(now)
	switch {
	case !Plausible(server):
		return false
	case Near(off):
		j.back = 0
		return false
	case off > 0:
		j.back = 0
		return true
	}
	if j.back++; j.back < insist {
		return false
	}
	j.back = 0
	return true
}
