package chord

import (
	"slices"

	"chordophone/overlay"
)

// copyState remembers that a replica was compared with this node.
type copyState struct {
	id   overlay.ID
	from overlay.ID // the arc (from, self] it was compared for
	busy bool
	done bool
}

// unsynced has a replica compared again.
func (n *Node) unsynced(id overlay.ID) {
	n.copies = slices.DeleteFunc(n.copies, func(c copyState) bool { return c.id == id && !c.busy })
	n.soon(&n.syncAt, n.cfg.HoldDown)
}

// maxSync is how many replicas are brought up to date at the same time.
const maxSync = 4

// checkReplicas brings new replicas up to date, and a node that has come between
// this one and its old predecessor. RFC 6940, section 10.7.3: "it MUST send a
// Store for any data associated with R to any new node in the replica set."
func (n *Node) checkReplicas() {
	from := n.self.ID
	pred, ok := n.predecessor()
	if ok {
		from = pred.ID
	}
	if old := n.arcFrom; ok && !old.IsZero() && from.Between(old, n.self.ID) {
		// The arc became shorter: what was stored here since the newcomer got
		// its records is handed on.
		n.compare(pred, 1, old, from, func(bool) {})
	}
	n.arcFrom = from
	set := n.replicas()
	n.copies = slices.DeleteFunc(n.copies, func(c copyState) bool {
		return !c.busy && !slices.ContainsFunc(set, func(p overlay.Peer) bool { return p.ID == c.id })
	})
	busy := 0
	for _, c := range n.copies {
		if c.busy {
			busy++
		}
	}
	for _, p := range set {
		if n.suspected(p.ID) {
			continue
		}
		i := slices.IndexFunc(n.copies, func(c copyState) bool { return c.id == p.ID })
		if i >= 0 {
			c := &n.copies[i]
			covered := c.from == from || c.from == n.self.ID || from.Between(c.from, n.self.ID)
			if c.busy || c.done && covered {
				continue
			}
		}
		if busy == maxSync {
			return // the next that ends calls again
		}
		busy++
		if i < 0 {
			i = len(n.copies)
			n.copies = append(n.copies, copyState{id: p.ID})
		}
		n.copies[i] = copyState{id: p.ID, from: from, busy: true}
		n.compare(p, replica(set, p.ID), from, n.self.ID, func(ok bool) {
			if i := slices.IndexFunc(n.copies, func(c copyState) bool { return c.id == p.ID }); i >= 0 {
				n.copies[i].busy, n.copies[i].done = false, ok
			}
			if ok {
				n.soon(&n.syncAt, 0)
			} else {
				n.soon(&n.syncAt, n.cfg.HoldDown)
			}
		})
	}
}

// replica is the replica number of id.
func replica(set []overlay.Peer, id overlay.ID) uint8 {
	i := slices.IndexFunc(set, func(p overlay.Peer) bool { return p.ID == id })
	return uint8(min(i, 254)) + 1
}

// antiEntropy compares this node's arc with one replica, and with the next one
// the next time. Where everybody keeps everything it compares all, for an owner
// may have told nobody: a piece of the circle at a time when it is much.
func (n *Node) antiEntropy() {
	n.nextAnti = n.now.Add(n.jitter(n.cfg.AntiEntropy))
	set := n.replicas()
	if len(set) == 0 {
		return
	}
	n.antiTurn++
	p := set[n.antiTurn%len(set)]
	if !n.everyoneKeepsAll() {
		n.unsynced(p.ID)
		return
	}
	if n.suspected(p.ID) {
		return
	}
	const piece = 256 // records in one comparison, about
	after, upto := n.self.ID, n.self.ID
	if pieces := 1 + len(n.shelf.entries)/piece; pieces > 1 {
		at := n.rng.IntN(pieces)
		after = n.self.ID.Forward(float64(at) / float64(pieces))
		if at+1 < pieces {
			upto = n.self.ID.Forward(float64(at+1) / float64(pieces))
		}
	}
	n.compare(p, replica(set, p.ID), after, upto, func(bool) {})
}

// compare makes p and this node hold the same of the arc (after, upto]: it asks
// what p has, sends what p lacks, and fetches what this node lacks.
func (n *Node) compare(p overlay.Peer, replica uint8, after, upto overlay.ID, done func(ok bool)) {
	held := n.shelf.held(n.now, after, upto, maxHeld)
	n.ask(p, Stat{After: after, Upto: upto, Seen: digest(held)}, func(a answer) {
		v, ok := a.body.(Versions)
		if !ok || len(v.Held) > maxHeld {
			done(false)
			return
		}
		if v.Same {
			if v.Held = held; !Truncated(held) {
				done(true)
				return
			}
		}
		var send []overlay.Record
		var fetch []Fetch
		reach := upto
		if len(v.Held) > 0 && Truncated(v.Held) {
			reach = v.Held[len(v.Held)-1].Resource
		}
		n.shelf.arc(after, reach, func(e *entry) {
			r := e.remaining(n.now)
			i := slices.IndexFunc(v.Held, func(h Held) bool { return h.Slot == r.Slot() })
			if r.Lifetime >= minSplit && (i < 0 || v.Held[i].Version < r.Version || v.Held[i].Version == r.Version && v.Held[i].Sum != e.sum) {
				send = append(send, r)
			}
		})
		for _, h := range v.Held {
			if e := n.shelf.get(h.Slot); e != nil && (e.rec.Version > h.Version || e.rec.Version == h.Version && e.sum == h.Sum) {
				continue
			}
			f := func(f Fetch) bool { return f.Resource == h.Resource }
			if i := slices.IndexFunc(fetch, f); i < 0 {
				fetch = append(fetch, Fetch{Resource: h.Resource, Kinds: []overlay.Kind{h.Kind}})
			} else if !slices.Contains(fetch[i].Kinds, h.Kind) {
				fetch[i].Kinds = append(fetch[i].Kinds, h.Kind)
			}
		}
		n.exchange(p, replica, n.split(send), fetch, func(ok bool) {
			if ok && reach != upto {
				n.compare(p, replica, reach, upto, done)
				return
			}
			done(ok)
		})
	})
}

// Truncated reports whether a Versions may have left something out: it leaves
// whole Resources out, so a little below the bound it is not known. The rest is
// asked for from the last Resource on.
func Truncated(held []Held) bool { return len(held) >= maxHeld/2 }

// maxExchange is how many messages of one exchange are on the way at a time.
const maxExchange = 4

// exchange gives p what it lacks and takes what this node lacks, a few messages at a
// time, until all went well or one did not.
func (n *Node) exchange(p overlay.Peer, replica uint8, stores [][]overlay.Record, fetch []Fetch, done func(ok bool)) {
	next, open, failed := 0, 0, false
	var more func()
	ended := func(ok bool) {
		open--
		failed = failed || !ok
		more()
	}
	more = func() {
		for ; !failed && open < maxExchange && next < len(stores)+len(fetch); next++ {
			open++
			if next < len(stores) {
				n.give(p, Store{Replica: replica, Records: stores[next]}, ended)
			} else {
				n.take(p, fetch[next-len(stores)], ended)
			}
		}
		if open == 0 {
			done(!failed)
		}
	}
	more()
}

func (n *Node) give(p overlay.Peer, s Store, done func(ok bool)) {
	n.ask(p, s, func(a answer) {
		_, ok := a.body.(Stored)
		done(ok)
	})
}

func (n *Node) take(p overlay.Peer, f Fetch, done func(ok bool)) {
	n.ask(p, f, func(a answer) {
		switch b := a.body.(type) {
		case Fetched:
			for _, r := range b.Records {
				if r.Resource == f.Resource {
					n.keep(r)
				}
			}
			done(true)
		case Error: // it cannot; the rest it can
			done(true)
		default:
			done(false)
		}
	})
}
