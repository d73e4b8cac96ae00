package pins

import (
	"time"

	"chordophone/hal"
)

// A cradle that goes down and up again within these bounds was a flash, the recall
// key of telephones that have none; shorter is a knock, longer is hanging up.
const (
	flashLeast = 80 * time.Millisecond
	flashMost  = 600 * time.Millisecond
)

// hook is the switch in the cradle, closed while the handset rests. The diagram
// says what a movement of the switch means:
//
//	          opens: Hook up               closes
//	resting -----------------> lifted ---------------> dipping
//	   ^                          ^                     |   |
//	   |                          +---------------------+   |
//	   |                     opens; after 80 ms: Recall     |
//	   +----------------------------------------------------+
//	                    600 ms pass: Hook down
//
// Without flash detection the handset rests as soon as the switch closes.
type hook struct {
	contact
	flash  bool
	lifted bool      // the telephone was told so
	dipped time.Time // when the switch closed, zero unless it dips
}

func newHook(flash bool) hook {
	return hook{contact: contact{steady: 15 * time.Millisecond, closed: true}, flash: flash}
}

// sample takes one look at the switch and returns what it means.
func (h *hook) sample(now time.Time, closed bool) []hal.Event {
	changed := h.contact.sample(now, closed)
	switch {
	case changed && h.closed && h.lifted:
		h.dipped = now
	case changed && !h.closed && !h.lifted:
		h.lifted = true
		return []hal.Event{{Key: hal.Hook, Down: false}}
	case changed && !h.closed && !h.dipped.IsZero() && now.Sub(h.dipped) <= flashMost:
		knock := now.Sub(h.dipped) < flashLeast
		h.dipped = time.Time{}
		if !knock {
			return []hal.Event{{Key: hal.Recall, Down: true}, {Key: hal.Recall, Down: false}}
		}
	}
	if h.dipped.IsZero() || h.flash && now.Sub(h.dipped) < flashMost {
		return nil
	}
	h.lifted, h.dipped = false, time.Time{}
	events := []hal.Event{{Key: hal.Hook, Down: true}}
	if !h.closed { // nobody looked in between
		h.lifted = true
		events = append(events, hal.Event{Key: hal.Hook, Down: false})
	}
	return events
}

// next is when a sample is needed, zero if only after an edge.
func (h *hook) next() time.Time {
	if h.dipped.IsZero() {
		return h.contact.next()
	}
	return earliest(h.contact.next(), h.dipped.Add(flashMost))
}
