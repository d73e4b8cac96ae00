package chord

import (
	"slices"

	"chordophone/overlay"
)

// View is the ring as this node sees it now.
func (n *Node) View() View {
	v := View{Self: n.self, Joined: n.Joined(), Succ: slices.Clone(n.ring.succ), Size: n.size()}
	if p, ok := n.predecessor(); ok {
		v.Pred = p
	}
	for _, f := range n.fingers {
		if !f.ID.IsZero() && !slices.Contains(v.Fingers, f) {
			v.Fingers = append(v.Fingers, f)
		}
	}
	return v
}

// table is what this node tells others of its neighbours.
func (n *Node) table() Table {
	return Table{Pred: n.predecessors(n.toldPredecessors()), Succ: n.ring.succ, Addr: n.self.Addr}
}

// toldPredecessors is how many predecessors this node tells of. Where the
// successor list goes round it holds the others anyway.
func (n *Node) toldPredecessors() int {
	if n.complete() {
		return min(4, n.cfg.Predecessors)
	}
	return n.cfg.Predecessors
}

// predecessors are the nearest nodes before this one, at most max, the dead left
// out and the suspected kept.
func (n *Node) predecessors(max int) []overlay.Peer {
	out := make([]overlay.Peer, 0, max)
	add := func(p overlay.Peer) {
		if p.ID.IsZero() || p.ID == n.self.ID || n.dead(p.ID) {
			return
		}
		i := 0
		for ; i < len(out); i++ {
			if out[i].ID == p.ID {
				return
			}
			if p.ID.Between(out[i].ID, n.self.ID) {
				break
			}
		}
		if i < max {
			if len(out) == max {
				out = out[:max-1]
			}
			out = slices.Insert(out, i, p)
		}
	}
	add(n.ring.pred)
	for _, p := range n.before {
		add(p)
	}
	if n.complete() {
		for i := len(n.ring.succ) - 1; i >= 0 && i >= len(n.ring.succ)-max; i-- {
			add(n.ring.succ[i])
		}
	}
	return out
}

// predecessor is the nearest node before this one that is not suspected: the arc
// from it to this node is what this node is responsible for.
func (n *Node) predecessor() (overlay.Peer, bool) {
	for _, p := range n.predecessors(n.cfg.Predecessors + n.suspects) {
		if !n.suspected(p.ID) {
			return p, true
		}
	}
	return overlay.Peer{}, false
}

// responsible reports whether key lies in this node's arc. A node is responsible
// for (predecessor, self]. // RFC 6940, section 10
func (n *Node) responsible(key overlay.ID) bool {
	p, ok := n.predecessor()
	if !ok && !n.complete() {
		// All that are known are suspected or dead, but there are others before
		// them: the arc begins at the farthest.
		p, ok = n.ring.pred, true
		for _, q := range n.before {
			if p.ID.Between(q.ID, n.self.ID) {
				p = q
			}
		}
	}
	return !ok || key == n.self.ID || key.Between(p.ID, n.self.ID)
}

// complete reports whether the successor list goes round the whole ring: then
// everybody in it is known.
func (n *Node) complete() bool { return n.ring.closed || len(n.ring.succ) == 0 }

// size estimates the number of nodes from the density of the successor list.
// RFC 7363, section 6.1
func (n *Node) size() int {
	k := len(n.ring.succ)
	if n.complete() {
		return k + 1
	}
	d := n.self.ID.Distance(n.ring.succ[k-1].ID)
	var span float64 // of the circle
	for i := range 8 {
		span = span*256 + float64(d[i])
	}
	const circle = 1 << 64
	if span == 0 {
		return k + 1
	}
	return max(k+1, int(float64(k)*circle/span))
}
