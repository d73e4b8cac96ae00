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
			n.ring.insert(from)
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

// askNew asks a node that somebody named, and inserts it when it answers.
func (n *Node) askNew(p overlay.Peer) {
	if len(n.asking) == maxAsking || slices.Contains(n.asking, p.ID) {
		return
	}
	n.asking = append(n.asking, p.ID)
	n.ask(p, Ping{}, func(a answer) {
		n.asking = slices.DeleteFunc(n.asking, func(id overlay.ID) bool { return id == p.ID })
		if pong, ok := a.body.(Pong); ok && n.state == joined {
			n.watch(func() { n.ring.insert(n.where(p, pong.Table)) })
		}
	})
}

// fixFingers looks up fingers that are missing or old. A finger is any node in
// the right stretch of the circle: RFC 6940, section 10.7.4.2: "the peer SHOULD
// send the Ping to a Node-ID selected randomly from that range."
func (n *Node) fixFingers() {
	if n.complete() {
		if n.fingers != nil {
			n.fingers = nil
			n.viewChanged = true
		}
		return
	}
	// Stretches up to the end of the successor list need no finger.
	last := n.self.ID.Distance(n.ring.succ[len(n.ring.succ)-1].ID)
	count := 0
	for count < 128 && last.Compare(overlay.ID{}.Plus(uint(127-count))) < 0 {
		count++
	}
	n.fingers = slices.Grow(n.fingers, count)[:max(count, len(n.fingers))]
	for i := count; i < len(n.fingers); i++ {
		n.fingers[i] = overlay.Peer{}
	}
	n.fingers = n.fingers[:count]
	for i, f := range n.fingers {
		if f.ID.IsZero() {
			n.findFinger(i)
		}
	}
	if count > 0 {
		rounds := max(1, int(n.cfg.FingerCheck/n.cfg.SettledRound))
		n.nextFinger++
		if n.settled() && n.nextFinger%rounds == 0 {
			n.findFinger(n.nextFinger / rounds % count)
		}
	}
}

func (n *Node) findFinger(i int) {
	power := uint(127 - i)
	target := n.self.ID.Plus(power)
	for bit := range power {
		if n.rng.Uint64()&1 == 0 {
			continue
		}
		target = target.Plus(bit)
	}
	hop := n.nextHop(target)
	if hop.ID == n.self.ID {
		return
	}
	n.route(hop, target, Ping{}, func(a answer) {
		pong, ok := a.body.(Pong)
		if !ok || i >= len(n.fingers) || n.dead(a.from.ID) {
			return
		}
		f := n.where(a.from, pong.Table)
		d := n.self.ID.Distance(f.ID)
		low := overlay.ID{}.Plus(power)
		inside := d.Compare(low) >= 0 && (i == 0 || d.Compare(overlay.ID{}.Plus(power+1)) < 0)
		if !inside || !f.Addr.IsValid() {
			return // the old one, if there is one, is as good as ever
		}
		if n.fingers[i] != f {
			n.fingers[i] = f
			n.viewChanged = true
		}
	})
}
