package chord

import (
	"slices"

	"chordophone/overlay"
)

// ring is a node's place in the ring, and its methods are the operations that
// Pamela Zave proved to keep it whole ("How to make Chord correct", with the
// notification rule of 2018). Each changes one node and is told what at most one
// other answered. Node calls them; so does the explorer in the tests, which runs
// through every order in which they can happen.
//
// What must not be simplified: a join copies the whole list and sets pred; the
// list is replaced whole from one answer; a candidate is asked before it is
// adopted; pred is never forgotten, only replaced.
//
// One deviation: where the paper demands more members than the list is long,
// offices may be smaller. So a list holds the next min(r, n-1) members and ends
// where it would reach its owner; an empty list means alone.
type ring struct {
	self overlay.ID
	r    int // length of a full list
	succ []overlay.Peer
	pred overlay.Peer // zero: none known yet
	cand overlay.Peer // a better successor than succ[0], to be asked; zero: none

	// closed says that succ goes round to its owner: it names the whole ring.
	closed bool
}

// set makes candidates in order the list: at most r, each clockwise of the one
// before it, none beyond the owner.
func (g *ring) set(list []overlay.Peer, closed bool) {
	out := make([]overlay.Peer, 0, min(g.r, len(list)))
	last := g.self
	for i, p := range list {
		if p.ID == last && len(out) > 0 {
			continue
		}
		if p.ID == g.self || len(out) > 0 && !p.ID.Between(last, g.self) {
			closed = true
			break
		}
		if len(out) == g.r {
			closed = false
			break
		}
		out = append(out, list[i])
		last = p.ID
	}
	g.succ, g.closed = out, closed
}

// follow makes s the successor, which has the list given.
func (g *ring) follow(s overlay.Peer, list []overlay.Peer) {
	// The one member of a ring of two lists nobody when it has not heard of
	// the other: then its list goes round too.
	g.set(append([]overlay.Peer{s}, list...), len(list) == 0)
}

// mayJoin reports whether g belongs between m and the first of m's list: what m
// has to fulfil when it answers, not when it was found.
func (g *ring) mayJoin(m overlay.ID, list []overlay.Peer) bool {
	return m != g.self && (len(list) == 0 || list[0].ID == g.self || g.self.Between(m, list[0].ID))
}

// join is JOIN: m's own list, taken over whole, and m as predecessor. An entry
// for the joining node is from its former life. Only when m knows nobody else, m
// itself is the list; to close a longer list with m would skip whoever joined
// between its end and m just now.
func (g *ring) join(m overlay.Peer, list []overlay.Peer) {
	next := make([]overlay.Peer, 0, len(list)+1)
	for _, p := range list {
		if p.ID != g.self {
			next = append(next, p)
		}
	}
	alone := len(next) == 0
	if alone {
		next = append(next, m)
	}
	g.set(next, alone)
	g.pred = m
	g.cand = overlay.Peer{}
}

// successorAnswered is STABILIZE_FROM_SUCCESSOR with s = succ[0] alive: what s
// answered becomes the list. It reports whether s knows a better successor,
// which is now cand and to be asked; otherwise s is to be notified.
func (g *ring) successorAnswered(s overlay.Peer, list []overlay.Peer, pred overlay.Peer) (ask bool) {
	g.follow(s, list)
	g.cand = overlay.Peer{}
	if !pred.ID.IsZero() && pred.ID != g.self && pred.ID.Between(g.self, s.ID) {
		g.cand = pred
		return true
	}
	return false
}

// successorDead is STABILIZE_FROM_SUCCESSOR with succ[0] dead. The new succ[0],
// if there is one, is to be notified.
func (g *ring) successorDead() { g.succ = g.succ[1:] }

// candidate takes the predecessor of a node without successors for a candidate:
// how the first node of a ring learns of the second.
func (g *ring) candidate() (ask bool) {
	if len(g.succ) > 0 || g.pred.ID.IsZero() || g.pred.ID == g.self {
		return false
	}
	g.cand = g.pred
	return true
}

// candidateAnswered is STABILIZE_FROM_PREDECESSOR with the candidate alive. It is
// to be notified. The answer of a candidate that has been overtaken changes
// nothing.
func (g *ring) candidateAnswered(c overlay.Peer, list []overlay.Peer) {
	if c.ID != g.cand.ID {
		return
	}
	g.cand = overlay.Peer{}
	if len(g.succ) == 0 || c.ID.Between(g.self, g.succ[0].ID) {
		g.follow(c, list)
	}
}

// candidateDead is the same with the candidate dead: the list stays, and succ[0]
// is to be notified.
func (g *ring) candidateDead() { g.cand = overlay.Peer{} }

// rectify is RECTIFY: from says that g is its successor. It reports whether the
// old predecessor is to be asked whether it still lives.
func (g *ring) rectify(from overlay.Peer) (ask bool) {
	switch {
	case from.ID == g.self:
	case g.pred.ID.IsZero() || from.ID.Between(g.pred.ID, g.self):
		g.pred = from
	case from.ID != g.pred.ID:
		return true
	}
	return false
}

// predecessorDead is the end of RECTIFY when the old predecessor did not answer.
func (g *ring) predecessorDead(from overlay.Peer) { g.pred = from }

// insert adds a member that said itself that it lives, where it belongs. It
// makes no list skip anybody: the pairs of neighbours only become closer. So
// nothing is added behind the end of a list; what belongs there comes with the
// successor's next answer.
func (g *ring) insert(x overlay.Peer) bool {
	if x.ID == g.self {
		return false
	}
	i := 0
	for ; i < len(g.succ); i++ {
		if g.succ[i].ID == x.ID {
			return false
		}
		if x.ID.Between(g.self, g.succ[i].ID) {
			break
		}
	}
	if i == len(g.succ) && i > 0 {
		return false
	}
	g.set(slices.Insert(slices.Clone(g.succ), i, x), g.closed || i == 0 && len(g.succ) == 0)
	return true
}

// remove takes a dead member out of the list, wherever it stands.
func (g *ring) remove(x overlay.ID) bool {
	i := slices.IndexFunc(g.succ, func(p overlay.Peer) bool { return p.ID == x })
	if i < 0 {
		return false
	}
	if i == 0 {
		g.successorDead()
		return true
	}
	g.succ = slices.Delete(slices.Clone(g.succ), i, i+1)
	return true
}

// merge is MERGE_PROBE when x, a member of perhaps another ring, turned out to be
// the successor of g there. Both rings' members stay in the list, so that no
// part of either is lost. // RFC 6940, section 10.7.4.4
func (g *ring) merge(x overlay.Peer, list []overlay.Peer) bool {
	if x.ID == g.self || len(g.succ) > 0 && !x.ID.Between(g.self, g.succ[0].ID) {
		return false
	}
	old, closed := g.succ, g.closed || len(g.succ) == 0
	g.follow(x, list)
	both := append(slices.Clone(g.succ), old...)
	closed = closed || g.closed
	slices.SortStableFunc(both, func(a, b overlay.Peer) int {
		return g.self.Distance(a.ID).Compare(g.self.Distance(b.ID))
	})
	both = slices.CompactFunc(both, func(a, b overlay.Peer) bool { return a.ID == b.ID })
	g.set(both, closed)
	g.cand = overlay.Peer{}
	return true
}
