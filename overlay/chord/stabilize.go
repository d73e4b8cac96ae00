package chord

import (
	"slices"
	"time"

	"chordophone/overlay"
)

// calmRounds without a change make a node take its longer round.
const calmRounds = 3

func (n *Node) settled() bool { return n.calm >= calmRounds }

// jitter is d, a tenth more or less.
func (n *Node) jitter(d time.Duration) time.Duration {
	return d - d/10 + time.Duration(n.rng.Int64N(int64(d/5)+1))
}

// round is what a node does periodically: RFC 6940, section 10.7.4, names
// neighbours, fingers and partitions.
func (n *Node) round() {
	n.calm++
	d := n.cfg.Round
	switch {
	case len(n.ring.succ) == 0 && n.calm < 4*calmRounds:
		d /= 4 // after a power cut the others will be there in a moment
	case n.settled() && len(n.ring.succ) > 0:
		d = n.cfg.SettledRound
	}
	n.nextRound = n.now.Add(n.jitter(d))
	n.stabilize()
	n.checkPredecessor()
	n.fixFingers()
	n.probe()
}

// stabilize asks the successor, and then the node that the successor takes for
// its predecessor, when that is another.
func (n *Node) stabilize() {
	if n.stabilizing {
		return
	}
	if len(n.ring.succ) == 0 {
		if n.ring.candidate() {
			n.askCandidate()
		}
		return
	}
	s, version := n.ring.succ[0], n.version
	n.stabilizing = true
	n.ask(s, Ping{}, func(a answer) {
		n.stabilizing = false
		pong, ok := a.body.(Pong)
		switch {
		case !ok: // suspected by now; when it is dead the ring closes over it
			return
		case n.version != version: // the list was changed meanwhile
			n.soon(&n.nextRound, n.cfg.Round/10)
			return
		}
		s = n.where(s, pong.Table)
		n.watch(func() {
			old := n.ring.succ
			if n.ring.successorAnswered(s, n.believed(s, pong.Table.Succ), n.nearest(pong.Table.Pred)) {
				n.askCandidate()
			}
			n.keepHeard(old)
		})
		if n.ring.cand.ID.IsZero() && n.tellsNews(pong.Table.Pred) {
			n.notify()
		}
	})
}

// believed is the list of the successor s, or this node's own when that of s
// leaves out more than half of those who stand here and are not known to be dead,
// or puts more than it between them of whom nothing was heard. Then all those are
// asked: the silent go, the others come in by their own word, and the next time s
// is believed. A list that is not adopted is as good as an answer that is late; and
// one malicious successor cannot take the others out of sight.
func (n *Node) believed(s overlay.Peer, list []overlay.Peer) []overlay.Peer {
	list = n.living(list)
	mine := n.ring.succ
	in := func(list []overlay.Peer, p overlay.Peer) bool {
		return slices.ContainsFunc(list, func(q overlay.Peer) bool { return q.ID == p.ID })
	}
	last, all := s.ID, len(list)+1 < len(mine) // a short list takes the end of this one away
	var odd []overlay.Peer
	for _, p := range list {
		if p.ID == n.self.ID || !p.ID.Between(last, n.self.ID) {
			all = true // it goes round
			break
		}
		last = p.ID
		if !in(mine, p) && n.heard(p.ID).IsZero() && (n.ring.closed || p.ID.Between(n.self.ID, mine[len(mine)-1].ID)) {
			odd = append(odd, p)
		}
	}
	foreign, missing, within := len(odd), 0, 0
	for _, p := range mine {
		if p.ID == s.ID || n.suspected(p.ID) || !all && p.ID != last && !p.ID.Between(n.self.ID, last) {
			continue
		}
		if within++; !in(list, p) {
			missing++
			odd = append(odd, p)
		}
	}
	if max(foreign, missing) < 3 || 2*max(foreign, missing) <= within {
		return list
	}
	n.counters.Disbelieved++
	for _, p := range odd {
		if n.now.Sub(n.heard(p.ID)) > n.cfg.SettledRound {
			n.askNew(p)
		}
	}
	rest := slices.Clone(mine)
	if rest[0].ID == s.ID {
		rest = rest[1:]
	}
	if n.ring.closed {
		rest = append(rest, n.self) // it goes round
	}
	return rest
}

// nearest is the candidate among a successor's predecessors: the one that comes
// first clockwise from here. Zave's rules know one predecessor only; with more,
// a node that got behind passes several of them in one step.
func (n *Node) nearest(pred []overlay.Peer) (c overlay.Peer) {
	for _, p := range n.living(pred) {
		if p.ID != n.self.ID && (c.ID.IsZero() || p.ID.Between(n.self.ID, c.ID)) {
			c = p
		}
	}
	return c
}

// watch calls do and sees whether the ring changed by it.
func (n *Node) watch(do func()) {
	old, pred := n.ring.succ, n.ring.pred
	do()
	if !slices.Equal(old, n.ring.succ) || pred != n.ring.pred {
		n.ringChanged()
	}
}

// keepHeard inserts again what the successor has not heard of yet, but this node
// has: from itself, a moment ago. The others that stood in the old list and that
// the new one skips are asked: one node's word does not end another's membership.
func (n *Node) keepHeard(old []overlay.Peer) {
	if len(n.ring.succ) == 0 || slices.Equal(old, n.ring.succ) {
		return
	}
	for _, p := range old {
		switch c := n.contact(p.ID); {
		case n.suspected(p.ID) || n.dead(p.ID):
		case c != nil && n.now.Sub(c.heard) < 2*n.cfg.Round:
			n.ring.insert(p)
		case n.wants(p.ID):
			n.askNew(p)
		}
	}
}

// askCandidate is the second half of stabilisation. A candidate is never adopted
// unasked: it may be dead, and with it the whole new list.
func (n *Node) askCandidate() {
	c := n.ring.cand
	n.stabilizing = true
	n.ask(c, Ping{}, func(a answer) {
		n.stabilizing = false
		pong, ok := a.body.(Pong)
		if !ok || n.dead(c.ID) {
			n.ring.candidateDead()
			n.notify()
			return
		}
		n.watch(func() {
			old := n.ring.succ
			n.ring.candidateAnswered(n.where(c, pong.Table), n.living(pong.Table.Succ))
			n.keepHeard(old)
		})
		n.notify()
		n.soon(&n.nextRound, n.cfg.Round/10) // there may be a better one behind it
		if !n.complete() {
			n.probeBy(c) // and there may be many
		}
	})
}

// tellsNews reports whether the successor, whose predecessors these are, would
// learn something from a notification. A settled ring saves the message.
func (n *Node) tellsNews(pred []overlay.Peer) bool {
	mine := n.predecessors(n.toldPredecessors() - 1)
	if len(pred) == 0 || pred[0].ID != n.self.ID {
		return true
	}
	for i, p := range mine {
		if i+1 >= len(pred) {
			return p.ID != n.ring.succ[0].ID
		}
		if pred[i+1].ID != p.ID {
			return true
		}
	}
	return false
}

// examine looks through the table of a neighbour for nodes that should be in this
// node's list, and for nodes in it that the neighbour does not know (any more).
// RFC 6940, section 10.7.3: "x MUST attempt to Attach to the new peers, and if it
// is successful, it MUST adjust its neighbor set accordingly."
func (n *Node) examine(from overlay.Peer, t Table) {
	theirs := n.living(t.Succ)
	for _, p := range theirs {
		if n.wants(p.ID) {
			n.askNew(p)
		}
	}
	for _, p := range n.living(t.Pred) {
		if n.wants(p.ID) {
			n.askNew(p)
		}
	}
	if len(theirs) == 0 {
		return
	}
	last := theirs[len(theirs)-1].ID
	for _, p := range n.ring.succ {
		if p.ID.Between(from.ID, last) && n.now.Sub(n.heard(p.ID)) > n.cfg.Round && !n.suspected(p.ID) &&
			!slices.ContainsFunc(theirs, func(q overlay.Peer) bool { return q.ID == p.ID }) {
			n.askNew(p)
		}
	}
}

// wants reports whether id would stand in the list.
func (n *Node) wants(id overlay.ID) bool {
	succ := n.ring.succ
	if id == n.self.ID || slices.ContainsFunc(succ, func(p overlay.Peer) bool { return p.ID == id }) {
		return false
	}
	return len(succ) < n.cfg.Successors && n.complete() || len(succ) > 0 && id.Between(n.self.ID, succ[len(succ)-1].ID)
}

// insert adds a member that said itself that it lives. One that belongs behind the end
// of a list that goes round shows that it does so no more: the successor, whose next
// answer has it, is asked soon.
func (n *Node) insert(p overlay.Peer) {
	if !n.ring.insert(p) && n.wants(p.ID) {
		n.soon(&n.nextRound, n.cfg.Round/20)
	}
}

// askNew asks a node that somebody named, and inserts it when it answers.
func (n *Node) askNew(p overlay.Peer) {
	if len(n.asking) == maxAsking || slices.Contains(n.asking, p.ID) {
		return
	}
	n.asking = append(n.asking, p.ID)
	n.ask(p, Ping{}, func(a answer) {
		n.asking = slices.DeleteFunc(n.asking, func(id overlay.ID) bool { return id == p.ID })
		if pong, ok := a.body.(Pong); ok && n.state == joined {
			n.watch(func() { n.insert(n.where(p, pong.Table)) })
		}
	})
}
