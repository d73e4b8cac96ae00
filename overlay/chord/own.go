package chord

import (
	"slices"

	"chordophone/overlay"
)

// A node sees to it that the ring keeps what it wrote, whoever is responsible for
// it, as long as that lives and nobody wrote a newer version: all records on its
// shelf of which it is the Owner.

const (
	ownAtOnce = 32 // records that are looked after in one turn
	ownTurns  = 3  // turns in the time of one OwnCheck when there are more
)

// ownOf are the records of this node's user at one Resource that are worth
// handing on.
func (n *Node) ownOf(resource overlay.ID) (out []overlay.Record) {
	n.shelf.at(resource, func(e *entry) {
		if r := e.remaining(n.now); r.Owner == n.self.ID && r.Lifetime >= minSplit {
			out = append(out, r)
		}
	})
	return out
}

// checkOwn looks whether the ring still has what this node's user stored: at the
// owner and the places of its copies in turn, for the owner's word alone is not
// enough. Where everybody holds everything the comparison with others does it.
func (n *Node) checkOwn() {
	n.nextOwn = n.now.Add(n.jitter(n.cfg.OwnCheck))
	if n.everyoneKeepsAll() {
		return
	}
	if n.ownFrom.IsZero() {
		n.ownTurn++
	}
	places, more := n.shelf.placesOf(n.self.ID, n.ownFrom, ownAtOnce)
	for _, resource := range places {
		points := n.pointsBehind(resource)
		n.checkCopy(resource, 0, resource, false)
		if i := n.ownTurn % len(points); i > 0 {
			n.checkCopy(resource, uint8(i), points[i], false)
		}
	}
	n.ownFrom = overlay.ID{}
	if more {
		n.ownFrom = places[len(places)-1]
		n.nextOwn = n.now.Add(n.jitter(n.cfg.OwnCheck / ownTurns))
	}
}

// afterPut sees to the copies of a record that the ring has just acknowledged. The
// owner may be malicious: it says that it made them, and did not.
func (n *Node) afterPut(slot overlay.Slot, version overlay.Version) {
	e := n.shelf.get(slot)
	if e == nil || e.rec.Version != version || n.state != joined {
		return
	}
	if n.everyoneKeepsAll() {
		// An honest owner has sent a copy to everybody, its writer included.
		if hop := n.nextHop(slot.Resource); !e.copied && hop.ID != n.self.ID {
			for i, p := range n.ring.succ {
				r := []overlay.Record{e.remaining(n.now)}
				n.post(p, false, parcel{records: r, replica: uint8(min(i+1, 255)), done: func(answer) {}}, 0)
			}
		}
		return
	}
	if n.now.Before(n.carefulUntil) {
		n.checkCopies(slot.Resource)
		return
	}
	points := n.pointsBehind(slot.Resource)
	for _, i := range n.rng.Perm(len(points) - 1)[:min(2, len(points)-1)] {
		n.checkCopy(slot.Resource, uint8(i+1), points[i+1], true)
	}
}

// checkCopies looks at all the places of copies but the owner.
func (n *Node) checkCopies(resource overlay.ID) {
	for i, p := range n.pointsBehind(resource) {
		if i > 0 {
			n.checkCopy(resource, uint8(i), p, false)
		}
	}
}

// checkCopy looks whether the node responsible for point has the records of this
// node's user at a Resource, and gives it those that it lacks. With spread, what
// one place lacks has the others looked at.
func (n *Node) checkCopy(resource overlay.ID, replica uint8, point overlay.ID, spread bool) {
	hop := n.nextHop(point)
	if hop.ID == n.self.ID {
		return
	}
	one := overlay.ID{}.Plus(0)
	before := one.Distance(resource) // resource - 1
	n.route(hop, point, Stat{After: before, Upto: resource}, func(a answer) {
		v, ok := a.body.(Versions)
		if !ok {
			n.soon(&n.nextOwn, n.cfg.HoldDown)
			return
		}
		lacking := slices.DeleteFunc(n.ownOf(resource), func(r overlay.Record) bool {
			i := slices.IndexFunc(v.Held, func(h Held) bool { return h.Slot == r.Slot() })
			return i >= 0 && v.Held[i].Version >= r.Version
		})
		if spread && len(lacking) > 0 {
			n.checkCopies(resource)
		}
		for _, r := range lacking {
			if replica == 0 {
				n.tryPut(&putting{rec: r, until: n.now.Add(n.cfg.OpTimeout), done: func(Kept) {}})
				continue
			}
			if hop := n.nextHop(point); hop.ID != n.self.ID {
				n.route(hop, point, Store{Replica: replica, Records: []overlay.Record{r}}, func(answer) {})
			}
		}
	})
}
