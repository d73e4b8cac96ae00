package sim

import (
	"fmt"
	"slices"

	"chordophone/overlay"
)

// Members are the hosts that are in a ring, in the order of the circle. They are
// not to be changed.
func (s *Net) Members() []int {
	if s.members != nil {
		return s.members
	}
	out := make([]int, 0, len(s.hosts))
	for i, h := range s.hosts {
		if h.Node != nil && h.Node.Joined() {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b int) int { return s.hosts[a].Peer.ID.Compare(s.hosts[b].Peer.ID) })
	s.members = out
	return out
}

// Owner is the member that should be responsible for a key, of those given in
// the order of the circle.
func (s *Net) Owner(members []int, key overlay.ID) int {
	k, _ := slices.BinarySearchFunc(members, key, func(i int, key overlay.ID) int {
		return s.hosts[i].Peer.ID.Compare(key)
	})
	return members[k%len(members)]
}

// Wrong counts the hosts that are switched on and do not know their right
// successor, or are not in the ring.
func (s *Net) Wrong() (wrong int) {
	members := s.Members()
	for k, i := range members {
		next := s.hosts[members[(k+1)%len(members)]].Peer.ID
		if p, ok := s.hosts[i].Node.Successor(); len(members) > 1 && (!ok || p.ID != next) {
			wrong++
		}
	}
	for _, h := range s.hosts {
		if h.Node != nil && !h.Node.Joined() {
			wrong++
		}
	}
	return wrong
}

// Ideal says what is not yet perfect: every list exact, every predecessor right.
func (s *Net) Ideal() error {
	members := s.Members()
	if w := s.Wrong(); w > 0 {
		return fmt.Errorf("%d nodes without their right successor", w)
	}
	for k, i := range members {
		v := s.hosts[i].Node.View()
		if want := min(s.cfg.Chord.Successors, len(members)-1); len(v.Succ) != want {
			return fmt.Errorf("%s lists %d successors, not %d", v.Self.ID.Short(), len(v.Succ), want)
		}
		for j, p := range v.Succ {
			if want := s.hosts[members[(k+1+j)%len(members)]].Peer.ID; p.ID != want {
				return fmt.Errorf("%s lists %s for %s", v.Self.ID.Short(), p.ID.Short(), want.Short())
			}
		}
		if len(members) > 1 {
			if want := s.hosts[members[(k+len(members)-1)%len(members)]].Peer.ID; v.Pred.ID != want {
				return fmt.Errorf("%s has %s before it, not %s", v.Self.ID.Short(), v.Pred.ID.Short(), want.Short())
			}
		}
	}
	return nil
}

// Check is the ring checker: exactly one ring along the best successors, in
// order, that every member reaches; and every list in order, without its owner.
// It holds at every moment as long as no list dies out at once.
func (s *Net) Check() error {
	members := s.Members()
	if len(members) == 0 {
		return nil
	}
	best := make(map[int]int, len(members))
	for _, i := range members {
		v := s.hosts[i].Node.View()
		last := v.Self.ID
		best[i] = i
		for k := len(v.Succ) - 1; k >= 0; k-- {
			// One that was switched on again is dead until it has joined.
			if j, ok := s.byID[v.Succ[k].ID]; ok && s.hosts[j].Node != nil && s.hosts[j].Node.Joined() {
				best[i] = j
			}
		}
		for k, p := range v.Succ {
			if p.ID == v.Self.ID || k > 0 && !p.ID.Between(last, v.Self.ID) {
				return fmt.Errorf("list of %s is out of order at %s", v.Self.ID.Short(), p.ID.Short())
			}
			last = p.ID
		}
		if best[i] == i && len(members) > 1 {
			return fmt.Errorf("%s has no living successor", v.Self.ID.Short())
		}
	}
	// Walk far enough to be on the ring, then round it.
	on := members[0]
	for range members {
		on = best[on]
	}
	ring := map[int]bool{}
	turns := 0
	for i := on; !ring[i]; i = best[i] {
		ring[i] = true
		if s.hosts[best[i]].Peer.ID.Compare(s.hosts[i].Peer.ID) <= 0 {
			turns++
		}
	}
	if turns > 1 {
		return fmt.Errorf("the ring winds %d times", turns)
	}
	for _, i := range members {
		j := i
		for range members {
			j = best[j]
		}
		if !ring[j] {
			return fmt.Errorf("%s is in another ring", s.hosts[i].Peer.ID.Short())
		}
	}
	return nil
}
