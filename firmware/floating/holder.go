package floating

import (
	"net/netip"
	"slices"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

const (
	settle   = time.Second     // of ownership, before the address is taken: a ring that forms changes often
	lifetime = 6 * time.Second // that the kernel is given for the address, whole seconds
	keep     = lifetime / 3
	retry    = 5 * time.Second // after a failure
	again    = 30 * time.Second
)

// announcements are when the network is told after the address was taken: three
// times in a second because broadcasts get lost, and once more when a dead phone's
// kernel has certainly let go of it. After that every 30 s. It is told all over
// again a second after other phones have come or gone: where two parts of the
// network meet, each had a phone that announced itself.
var announcements = [...]time.Duration{0, settle / 2, settle, lifetime + time.Second}

// Events.
type (
	// Event is Ring, Failed, Stop or Tick.
	Event interface{ event() }

	// Ring says how this phone sees the ring.
	Ring struct{ View chord.View }

	// Failed says that Take or Keep could not be carried out.
	Failed struct{}

	// Stop says that this phone leaves.
	Stop struct{}

	// Tick says that it is later.
	Tick struct{}
)

func (Ring) event()   {}
func (Failed) event() {}
func (Stop) event()   {}
func (Tick) event()   {}

// Action is what is to be done about the address.
type Action string

const (
	Take     Action = "take"     // have it, for the lifetime
	Keep     Action = "keep"     // have it for another lifetime
	Announce Action = "announce" // tell the network who has it
	Release  Action = "release"  // have it no longer
)

// Holder decides when this phone has the address.
//
//	        owner           1 s
//	away --------> waiting -----> holding: Keep, Announce
//	  ^              |  ^            |  |
//	  +--------------+  +------------+  |
//	  |  not owner       Failed, 5 s    |
//	  +---------------------------------+
//	                      not owner: Release at once
type Holder struct {
	key       overlay.ID
	state     state
	takeAt    time.Time // of waiting
	keepAt    time.Time // of holding, as what follows
	tellFrom  time.Time // when the announcements began
	tellAt    time.Time
	announced int // times
	others    []overlay.Peer
}

type state uint8

const (
	away state = iota
	waiting
	holding
)

// Key is the point of the circle at which an address is.
func Key(address netip.Addr) overlay.ID {
	return overlay.ResourceID("floating:" + address.String())
}

// NewHolder makes the holder of what is at a point of the circle.
func NewHolder(key overlay.ID) *Holder { return &Holder{key: key} }

// Next is when a Tick is due; the zero time means never.
func (h *Holder) Next() time.Time {
	switch {
	case h.state == waiting:
		return h.takeAt
	case h.state == holding && h.tellAt.Before(h.keepAt):
		return h.tellAt
	case h.state == holding:
		return h.keepAt
	}
	return time.Time{}
}

// Step takes one event in. What it returns is to be done in order.
func (h *Holder) Step(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Ring:
		owner, known := owns(ev.View, h.key)
		switch {
		case !known:
		case !owner:
			return h.release(away)
		case h.state == away:
			h.state, h.takeAt = waiting, now.Add(settle)
		}
		if others := append([]overlay.Peer{ev.View.Pred}, ev.View.Succ...); !slices.Equal(others, h.others) {
			h.others = others
			h.tellFrom, h.announced = now.Add(settle), 0
			if h.tellFrom.Before(h.tellAt) {
				h.tellAt = h.tellFrom
			}
		}
	case Failed:
		if h.state == holding {
			h.takeAt = now.Add(retry)
			return h.release(waiting)
		}
	case Stop:
		return h.release(away)
	case Tick:
		return h.tick(now)
	}
	return nil
}

// owns reports whether a key is this node's, if that is known: its arc is
// (predecessor, self]. // RFC 6940, section 10
func owns(v chord.View, key overlay.ID) (owner, known bool) {
	switch {
	case !v.Joined:
		return false, true
	case v.Pred.ID.IsZero() && len(v.Succ) > 0:
		return false, false // all before it have just died
	case v.Pred.ID.IsZero(), key == v.Self.ID:
		return true, true
	}
	return key.Between(v.Pred.ID, v.Self.ID), true
}

func (h *Holder) release(next state) []Action {
	held := h.state == holding
	h.state = next
	if held {
		return []Action{Release}
	}
	return nil
}

func (h *Holder) tick(now time.Time) (do []Action) {
	if h.state == waiting && !now.Before(h.takeAt) {
		h.state, h.tellFrom, h.announced = holding, now, 0
		h.keepAt, h.tellAt = now.Add(keep), now
		do = append(do, Take)
	}
	if h.state != holding {
		return nil
	}
	if !now.Before(h.keepAt) {
		h.keepAt = now.Add(keep)
		do = append(do, Keep)
	}
	if !now.Before(h.tellAt) {
		h.announced++
		h.tellAt = now.Add(again)
		if h.announced < len(announcements) {
			h.tellAt = h.tellFrom.Add(announcements[h.announced])
		}
		do = append(do, Announce)
	}
	return do
}
