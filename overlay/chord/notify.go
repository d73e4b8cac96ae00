package chord

import (
	"slices"

	"chordophone/overlay"
)

// notify tells succ[0] that this node takes it for its successor.
func (n *Node) notify() {
	if len(n.ring.succ) > 0 {
		n.ask(n.ring.succ[0], Update{Table: n.table()}, func(answer) {})
	}
}

// announce tells the neighbours what changed here, so that they need not wait
// for their rounds.
func (n *Node) announce() {
	to := n.ring.succ
	if !n.complete() {
		to = append(slices.Clone(to[:min(3, len(to))]), n.predecessors(3)...)
	}
	for _, p := range to {
		if !n.suspected(p.ID) {
			n.ask(p, Update{Table: n.table()}, func(answer) {})
		}
	}
}

// tell passes a changed list on to the node before this one, whose list is this
// one's but for its end. Else a change would take a round for each place that it
// has to go back.
func (n *Node) tell() {
	if p, ok := n.predecessor(); ok && !slices.Equal(n.told, n.ring.succ) {
		n.told = n.ring.succ
		n.ask(p, Update{Table: n.table()}, func(answer) {})
	}
}

// updated is told by an Update. Whoever sends one is a living member.
func (n *Node) updated(from overlay.Peer, t Table) {
	from = n.where(from, t)
	n.watch(func() {
		if len(n.ring.succ) > 0 && n.ring.succ[0].ID == from.ID && !n.stabilizing {
			// As if it had been asked: its list becomes ours.
			old := n.ring.succ
			if n.ring.successorAnswered(from, n.believed(from, t.Succ), n.nearest(t.Pred)) {
				n.askCandidate()
			}
			n.keepHeard(old)
		} else {
			n.insert(from)
		}
		if n.ring.rectify(from) && len(t.Succ) > 0 && t.Succ[0].ID == n.self.ID {
			n.rectify(from)
		}
	})
	if n.ring.pred.ID == from.ID {
		before := slices.DeleteFunc(slices.Clone(n.living(t.Pred)), func(p overlay.Peer) bool { return p.ID.Between(from.ID, n.self.ID) })
		n.setBefore(before) // whoever stands between would have said so itself
	}
	n.examine(from, t)
}

func (n *Node) setBefore(list []overlay.Peer) {
	if len(list) > n.cfg.Predecessors {
		list = list[:n.cfg.Predecessors]
	}
	n.before = list
}

// rectify asks the predecessor whether it still lives, because another node
// takes its place.
func (n *Node) rectify(from overlay.Peer) {
	pred := n.ring.pred
	if n.dead(pred.ID) {
		n.ring.predecessorDead(from)
		return
	}
	if n.rectifying || n.now.Sub(n.heard(pred.ID)) < n.cfg.Round {
		return
	}
	n.rectifying = true
	n.ask(pred, Ping{}, func(a answer) {
		n.rectifying = false
		if a.body == nil && n.ring.pred.ID == pred.ID && n.dead(pred.ID) {
			n.watch(func() { n.ring.predecessorDead(from) })
		}
	})
}

// checkPredecessor asks a predecessor that has not stabilised for too long.
// Zave's rules do it only when somebody else turns up; here what this node is
// responsible for hangs on it.
func (n *Node) checkPredecessor() {
	p, ok := n.predecessor()
	if !ok || n.rectifying || n.now.Sub(n.heard(p.ID)) < 2*n.cfg.SettledRound {
		return
	}
	n.rectifying = true
	n.ask(p, Ping{}, func(a answer) { n.rectifying = false })
}
