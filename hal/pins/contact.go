package pins

import "time"

// contact is one debounced switch. A switch that moves bounces: it opens and
// closes for some milliseconds before it stays. It is believed when all samples
// of a while say the same.
type contact struct {
	steady time.Duration // that while
	closed bool          // what is believed
	since  time.Time     // when that changed
	moved  time.Time     // the first of the samples that say otherwise, zero if the last did not
}

// sample takes one look at the switch and reports whether it has changed what is
// believed.
func (c *contact) sample(now time.Time, closed bool) bool {
	switch {
	case closed == c.closed:
		c.moved = time.Time{}
	case c.moved.IsZero():
		c.moved = now
	case now.Sub(c.moved) >= c.steady:
		c.closed, c.since, c.moved = closed, now, time.Time{}
		return true
	}
	return false
}

// next is when a sample is needed, zero if only after an edge.
func (c *contact) next() time.Time {
	if c.moved.IsZero() {
		return time.Time{}
	}
	return c.moved.Add(c.steady)
}

// earliest is the first of two times; zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
