package chord

import (
	"time"

	"chordophone/overlay"
)

// leaveWait is how long a leaving node waits for its neighbours at most.
const leaveWait = 1500 * time.Millisecond

// stop begins the end: the successor, who is responsible from now on, gets what
// it lacks; then the neighbours are told.
func (n *Node) stop() {
	if n.state != joined || len(n.ring.succ) == 0 {
		n.leftRing()
		return
	}
	n.state = leaving
	n.later(leaveWait, n.leftRing)
	from := n.self.ID
	if p, ok := n.predecessor(); ok {
		from = p.ID
	}
	n.compare(n.ring.succ[0], 1, from, n.self.ID, func(bool) { n.sayLeave() })
}

// sayLeave tells the neighbours. RFC 6940, section 10.9: "peers SHOULD send a
// Leave request to all members of their Neighbor Table before exiting the
// Overlay Instance."
func (n *Node) sayLeave() {
	if n.state != leaving {
		return
	}
	to := n.ring.succ
	if !n.complete() {
		to = append(n.predecessors(n.cfg.Predecessors), to[:min(3, len(to))]...)
	}
	open := len(to)
	for _, p := range to {
		n.call(call{hop: p, verify: true, done: func(answer) {
			if open--; open == 0 {
				n.leftRing()
			}
		}}, []Dest{{ID: p.ID}}, Leave{Table: n.table()}, n.cfg.RequestTimeout)
	}
}

func (n *Node) leftRing() {
	if n.state == left {
		return
	}
	n.state = left
	n.calls, n.timers = nil, nil
	n.acts = append(n.acts, Left{})
}

// leaves is told by a Leave: as a death, but certain and at once, and those who
// stood beside the leaver are told who is next.
func (n *Node) leaves(p overlay.Peer, t Table) {
	if !n.neighbour(p.ID) {
		return
	}
	n.died(n.meet(p))
	for _, list := range [][]overlay.Peer{t.Succ, t.Pred} {
		for _, q := range n.living(list) {
			if n.wants(q.ID) {
				n.askNew(q)
			}
		}
	}
}
