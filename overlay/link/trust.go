package link

import (
	"sync"

	"chordophone/overlay"
)

// trusts are the last messages that went out without the certificates of their
// records, because the other side was taken to know those: as a neighbour, which
// has shown its own, or as the holder of others' records it mostly does. Where it
// does not it says so, and the message is sent again.
type trusts struct {
	mu   sync.Mutex // guards what follows
	ring [maxTrusts]trust
	next int
}

type trust struct {
	to overlay.ID
	o  *outgoing
}

// maxTrusts is more than wait for an answer at the same time.
const maxTrusts = 256

func (t *trusts) add(to overlay.ID, o *outgoing) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ring[t.next] = trust{to, o}
	t.next = (t.next + 1) % maxTrusts
}

// take finds a message and forgets it: nil if it is not known.
func (t *trusts) take(to overlay.ID, tx uint64) *outgoing {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, e := range t.ring {
		if e.o != nil && e.to == to && e.o.header.Tx == tx {
			t.ring[i] = trust{}
			return e.o
		}
	}
	return nil
}

// sendAgain sends a message again, complete. It reports whether there was one.
func (l *Link) sendAgain(to overlay.Peer, tx uint64) bool {
	o := l.trusts.take(to.ID, tx)
	if o == nil {
		return false
	}
	whole := *o
	whole.trusting = false
	l.send(to, &whole)
	return true
}
