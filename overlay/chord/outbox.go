package chord

import (
	"slices"
	"time"

	"chordophone/overlay"
)

// outbox is what waits to be stored at one node. Few Stores are on the way there at
// a time, and what comes meanwhile goes together in the next: a record alone goes
// at once, a thousand go in a few messages, and a slow node is not buried.
type outbox struct {
	to      overlay.Peer
	first   bool // to the owner, as a writer's own; otherwise copies to a holder
	waiting []parcel
	at      time.Time // when the first of waiting goes
	open    int       // Stores on the way
}

// parcel is records that go into one Store together.
type parcel struct {
	records []overlay.Record
	replica uint8
	alone   bool // it was refused together with others
	done    func(answer)
}

const (
	// maxOpen is how many Stores are on the way to one node.
	maxOpen = 2

	// copyDelay is how long a copy beyond those that make a record safe waits
	// for others that go to the same node.
	copyDelay = time.Second
)

// post has a parcel sent to a node within a time.
func (n *Node) post(to overlay.Peer, first bool, p parcel, within time.Duration) {
	i := slices.IndexFunc(n.outboxes, func(b *outbox) bool { return b.to.ID == to.ID && b.first == first })
	if i < 0 {
		i = len(n.outboxes)
		n.outboxes = append(n.outboxes, &outbox{to: to, first: first})
	}
	b := n.outboxes[i]
	b.to = to
	b.waiting = append(b.waiting, p)
	if at := n.now.Add(within); b.at.IsZero() || at.Before(b.at) {
		b.at = at
	}
	n.flush(b)
}

// flush sends what may go.
func (n *Node) flush(b *outbox) {
	if n.suspected(b.to.ID) || n.dead(b.to.ID) {
		waiting := b.waiting
		b.waiting = nil
		for _, p := range waiting {
			n.later(0, func() { p.done(answer{lost: true}) })
		}
	}
	for len(b.waiting) > 0 && b.open < maxOpen && !n.now.Before(b.at) {
		var store Store
		size, count := 0, 0
		for _, p := range b.waiting {
			s := 0
			for _, r := range p.records {
				s += recordSize(r)
			}
			if count > 0 && (size+s > n.cfg.MaxStore || p.alone || b.waiting[0].alone || p.replica != b.waiting[0].replica) {
				break
			}
			size += s
			count++
			store.Records = append(store.Records, p.records...)
		}
		store.Replica = b.waiting[0].replica
		sent := slices.Clone(b.waiting[:count])
		b.waiting = slices.Delete(b.waiting, 0, count)
		b.open++
		answered := func(a answer) {
			b.open--
			if _, refused := a.body.(Error); refused && len(sent) > 1 {
				for i := range sent { // one of them, mostly
					sent[i].alone = true
				}
				b.waiting = append(sent, b.waiting...)
				b.at = n.now
			} else {
				for _, p := range sent {
					p.done(a)
				}
			}
			n.flush(b)
		}
		if b.first {
			n.route(b.to, store.Records[0].Resource, store, answered)
		} else {
			n.ask(b.to, store, answered)
		}
	}
	if len(b.waiting) > 0 && b.open < maxOpen {
		n.soon(&n.nextFlush, b.at.Sub(n.now))
	}
	if len(b.waiting) == 0 {
		b.at = time.Time{}
	}
	if len(b.waiting) == 0 && b.open == 0 {
		n.outboxes = slices.DeleteFunc(n.outboxes, func(o *outbox) bool { return o == b })
	}
}

// flushAll sends what has waited long enough.
func (n *Node) flushAll() {
	for _, b := range slices.Clone(n.outboxes) {
		n.flush(b)
	}
}
