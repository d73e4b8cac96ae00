package pins

import (
	"time"

	"chordophone/hal"
)

// A dial interrupts its contact ten times a second while it runs back, some 60 ms
// each time; between two digits a finger needs longer than digitEnd.
const (
	pulseSteady = 8 * time.Millisecond
	digitEnd    = 200 * time.Millisecond
)

// dial is a rotary dial: it counts the interruptions of one contact.
type dial struct {
	contact // closed means interrupted, which is what the line reports as active
	pulses  int
	last    time.Time // when the last pulse began or ended
}

func newDial() dial { return dial{contact: contact{steady: pulseSteady}} }

// sample takes one look at the contact and returns the digit that is complete. More
// than ten pulses are none: nobody's finger does that.
func (d *dial) sample(now time.Time, interrupted bool) []hal.Event {
	if d.contact.sample(now, interrupted) {
		d.last = now
		if d.closed {
			d.pulses++
		}
	}
	if d.pulses == 0 || d.closed || now.Sub(d.last) < digitEnd {
		return nil
	}
	n := d.pulses
	d.pulses = 0
	if n > 10 {
		return nil
	}
	key := hal.Key('0' + n%10)
	return []hal.Event{{Key: key, Down: true}, {Key: key, Down: false}}
}

// next is when a sample is needed, zero if only after an edge.
func (d *dial) next() time.Time {
	if d.pulses == 0 || d.closed {
		return d.contact.next()
	}
	return earliest(d.contact.next(), d.last.Add(digitEnd))
}
