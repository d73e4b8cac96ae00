package sim

import (
	"slices"

	"chordophone/overlay"
)

// Settle makes a whole ring of new hosts at once, where growing one would take
// too long: every list and predecessor exact, every finger a node in its stretch
// of the circle, nothing stored.
func (s *Net) Settle(count int) {
	first := len(s.hosts)
	order := make([]overlay.Peer, count) // of the circle
	for i := range order {
		order[i] = s.hosts[s.Add()].Peer
	}
	slices.SortFunc(order, func(a, b overlay.Peer) int { return a.ID.Compare(b.ID) })
	cfg := s.cfg.Chord
	after := min(cfg.Successors, count-1)
	twice := slices.Concat(order, order) // so that lists go round
	for i := first; i < len(s.hosts); i++ {
		h := s.hosts[i]
		h.life++
		h.Node = s.node(i)
		at, _ := slices.BinarySearchFunc(order, h.Peer.ID, func(p overlay.Peer, id overlay.ID) int { return p.ID.Compare(id) })
		before := slices.Clone(twice[at+count-min(cfg.Predecessors+1, count-1) : at+count])
		slices.Reverse(before)
		list := slices.Clone(twice[at+1 : at+1+after])
		h.Node.Place(epoch.Add(s.now), before, list, after == count-1, s.fingers(h.Peer.ID, order, list))
		s.schedule(i)
	}
	s.members = nil
}

// fingers are random nodes of each stretch of the circle, seen from id, down to
// the end of its list.
func (s *Net) fingers(id overlay.ID, order, list []overlay.Peer) (out []overlay.Peer) {
	if len(list) == 0 || len(list) == len(order)-1 {
		return nil
	}
	at := func(id overlay.ID) int {
		k, _ := slices.BinarySearchFunc(order, id, func(p overlay.Peer, id overlay.ID) int { return p.ID.Compare(id) })
		return k
	}
	last := id.Distance(list[len(list)-1].ID)
	for power := uint(127); last.Compare(overlay.ID{}.Plus(power)) < 0; power-- {
		low, high := at(id.Plus(power)), at(id.Plus(power).Plus(power))
		size := (high - low + len(order)) % len(order)
		if size == 0 {
			out = append(out, overlay.Peer{})
			continue
		}
		out = append(out, order[(low+s.rng.IntN(size))%len(order)])
	}
	return out
}
