package chord

import (
	"slices"
	"time"

	"chordophone/overlay"
)

// join is the state of an attempt to get into the ring.
type join struct {
	open    int        // so many known nodes may still answer
	least   overlay.ID // of the nodes heard that are joining, too; zero: none
	waiting []knocking // whom this node will be able to answer when it is in
	busy    bool       // one answered: the way in is being gone
	serving overlay.ID // the node that hands records over to us now
	tries   int
	waits   int // how often another was let go first
}

// knocking is another node that asked for its place too early.
type knocking struct {
	hop overlay.Peer
	msg Message
}

// maxJoinTries is how often the way in is tried before this node gives up and
// makes a ring of its own, which then merges. There is a ring, since somebody
// answered; but where many join at once the neighbours may not know each other yet
// for a second or two.
const maxJoinTries = 10

func (n *Node) start(ev Start) {
	if n.state != idle {
		return
	}
	n.load(ev.Records)
	n.state = joining
	n.hear(ev.Known)
	if len(n.known) == 0 {
		n.found()
		return
	}
	// After a power cut all knock at once and nobody may answer: then the one
	// with the least ID goes first, and the others find it there.
	n.later(n.cfg.JoinTimeout/3, func() {
		if j := &n.joinTry; !j.busy && !j.least.IsZero() && n.self.ID.Compare(j.least) < 0 {
			n.found()
		}
	})
	n.giveUpLater()
	n.knock()
}

// giveUpLater gives up unless somebody lets this node in meanwhile, or sends it
// back to the beginning, which has its own end.
func (n *Node) giveUpLater() {
	tries := n.joinTry.tries
	n.later(n.cfg.JoinTimeout, func() {
		if n.joinTry.tries == tries {
			n.giveUp()
		}
	})
}

// giveUp makes a ring of this node alone, unless it heard others join of whom one
// will do so before.
func (n *Node) giveUp() {
	j := &n.joinTry
	switch {
	case n.state != joining || j.busy:
	case !j.least.IsZero() && j.least.Compare(n.self.ID) < 0 && j.waits < maxWaits:
		j.waits++
		j.least = overlay.ID{} // unless it knocks again
		n.giveUpLater()
	default:
		n.found()
	}
}

// maxWaits is how often a node lets others make the ring: one that only knocks may not
// keep everybody out.
const maxWaits = 10

// overhear takes note of another node that is joining, too.
func (n *Node) overhear(hop overlay.Peer, m Message) {
	if n.state != joining || !forPlace(m) {
		return
	}
	j := &n.joinTry
	if j.least.IsZero() || m.From.ID.Compare(j.least) < 0 {
		j.least = m.From.ID
	}
	k := knocking{hop, m}
	if i := slices.IndexFunc(j.waiting, func(w knocking) bool { return w.msg.From.ID == m.From.ID }); i >= 0 {
		j.waiting[i] = k
	} else if len(j.waiting) < maxKnown {
		j.waiting = append(j.waiting, k)
	}
}

// knock asks known nodes for the node that follows this one, a few at a time: one
// that is in the ring is enough. Those that are only starting themselves answer as
// soon as they are in, or refuse, so it is repeated. When a whole office gets its
// power back, the nodes with the least IDs are the first to be in: everybody begins
// with those, and with some by chance.
func (n *Node) knock() {
	if n.state != joining || n.joinTry.busy {
		return
	}
	const rest, least = 4, 2
	atOnce := rest
	if n.joinTry.open == 0 {
		atOnce = firstKnocks
	}
	var due []*known
	for i := range n.known {
		if k := &n.known[i]; !n.now.Before(k.knock) {
			due = append(due, k)
		}
	}
	n.rng.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	for i := range due[:min(least, len(due))] {
		j := i
		for k := i + 1; k < len(due); k++ {
			if due[k].peer.ID.Compare(due[j].peer.ID) < 0 {
				j = k
			}
		}
		due[i], due[j] = due[j], due[i]
	}
	for _, k := range due[:min(atOnce, len(due))] {
		n.knockAt(k)
	}
	n.later(n.cfg.JoinTimeout/7, n.knock)
}

const (
	// knockTime is how long a node may take to be in the ring itself, and answer, until
	// it is asked again.
	knockTime = time.Second

	firstKnocks = 8 // at once
)

// knockAt sends the first step of JOIN: who is responsible for the identifier
// after ours? RFC 6940, section 10.5: "JN SHOULD send an Attach request to the
// Admitting Peer (AP) for Resource-ID n+1." The +1 leaves a former life of this
// node out, which others may not have noticed the end of.
func (n *Node) knockAt(k *known) {
	q := k.peer
	k.knock = n.now.Add(knockTime)
	if q.ID.IsZero() { // nobody says when it refuses
		k.knock = n.now.Add(n.cfg.JoinTimeout / 7)
	}
	n.joinTry.open++
	n.call(call{hop: q, far: true, done: func(a answer) {
		j := &n.joinTry
		j.open--
		if n.state != joining || j.busy {
			return
		}
		if pong, ok := a.body.(Pong); ok && a.from.ID != n.self.ID {
			j.busy = true
			n.knockAgain(q.ID, 0) // if the way in turns out to be none
			n.enter(n.where(a.from, pong.Table), pong.Table)
		} else if a.lost {
			n.knockAgain(q.ID, 3*n.cfg.JoinTimeout/7) // it may be up in a moment
		}
	}}, []Dest{{ID: n.self.ID.Plus(0), Resource: true}}, Ping{}, knockTime)
}

// knockAgain lets a node be asked again after a while.
func (n *Node) knockAgain(id overlay.ID, after time.Duration) {
	for i := range n.known {
		if n.known[i].peer.ID == id {
			n.known[i].knock = n.now.Add(after)
		}
	}
}

// where completes the address of a node with what its table says.
func (n *Node) where(p overlay.Peer, t Table) overlay.Peer {
	if t.Addr.IsValid() {
		p.Addr = t.Addr
	}
	return p
}

// enter goes the second step: s follows us, so the nodes before s are asked,
// nearest first, which of them we belong behind.
func (n *Node) enter(s overlay.Peer, t Table) {
	before := slices.DeleteFunc(slices.Clone(t.Pred), func(p overlay.Peer) bool { return p.ID == n.self.ID })
	n.enterBehind(s, t, before)
}

func (n *Node) enterBehind(s overlay.Peer, t Table, before []overlay.Peer) {
	if n.state != joining {
		return
	}
	if len(before) == 0 {
		// Nobody else: s is alone, or all before it are dead. Then behind s is
		// also before s.
		n.handover(s, s, t)
		return
	}
	m := before[0]
	n.ask(m, Ping{}, func(a answer) {
		pong, ok := a.body.(Pong)
		switch {
		case !ok:
			n.enterBehind(s, t, before[1:])
		case n.ring.mayJoin(m.ID, pong.Table.Succ):
			n.handover(n.where(m, pong.Table), s, pong.Table)
		default: // others came between meanwhile
			n.rejoin()
		}
	})
}

// handover goes the third step: s gives us the records of our arc. Only then we
// are in the ring, so that nobody looks for them in vain.
func (n *Node) handover(m, s overlay.Peer, t Table) {
	for _, p := range t.Succ { // its address may be known only there
		if p.ID == s.ID && !s.Addr.IsValid() {
			s = p
		}
	}
	n.joinTry.serving = s.ID
	n.call(call{hop: s, done: func(a answer) {
		if n.state != joining {
			return
		}
		if _, ok := a.body.(Joined); !ok {
			n.rejoin()
			return
		}
		n.ring.join(m, n.living(t.Succ))
		n.ring.insert(s)
		n.before = n.living(t.Pred)
		n.enterRing()
	}}, []Dest{{ID: s.ID}}, Join{Joining: n.self}, 4*n.cfg.RequestTimeout)
}

// rejoin begins again.
func (n *Node) rejoin() {
	j := &n.joinTry
	j.tries++
	if j.tries == maxJoinTries {
		n.found()
		return
	}
	j.busy = false
	n.later(n.cfg.JoinTimeout/5, func() {
		if n.state == joining && !n.joinTry.busy {
			n.knock()
		}
	})
	n.giveUpLater()
}

// found makes this node a ring of its own. It goes on looking for others.
func (n *Node) found() {
	if n.state == joining {
		n.enterRing()
	}
}

// enterRing makes the node a member.
func (n *Node) enterRing() {
	n.state = joined
	n.ringChanged()
	n.nextRound = n.now
	n.announceAt = n.now
	n.nextAnti = n.now.Add(n.jitter(n.cfg.AntiEntropy))
	n.nextOwn = n.now.Add(n.jitter(n.cfg.OwnCheck))
	for i := range n.known {
		n.known[i].next = n.now
		n.known[i].wait = 0
	}
	for _, p := range n.ring.succ {
		n.remember(p, n.cfg.FingerCheck)
	}
	n.letIn()
	n.viewChanged = true
	n.tick() // the first round is due
}

// letIn answers those who knocked before. Who makes a ring answers all of them. In a
// ring that was there others do so, too, and those who are in need no answer.
func (n *Node) letIn() {
	waiting := n.joinTry.waiting
	n.joinTry.waiting = nil
	alone, answers := len(n.ring.succ) == 0, 0
	for _, w := range waiting {
		if alone || answers < 4 && !n.inList(w.msg.From.ID) {
			answers++
			n.receive(w.hop, w.msg)
		}
	}
}

// admit answers a Join: this node is the one that follows the joining node. The
// records of its arc are handed over before the answer: RFC 6940, section 10.5:
// "AP MUST do a series of Store requests to JN to store the data that JN will be
// responsible for."
func (n *Node) admit(hop overlay.Peer, m Message, j Join) {
	if j.Joining.ID != m.From.ID || j.Joining.ID == n.self.ID {
		n.counters.Bad++
		return
	}
	after := n.self.ID // alone: the whole circle up to the newcomer
	for _, p := range n.predecessors(2) {
		if p.ID != j.Joining.ID { // a former life of it does not count
			after = p.ID
			break
		}
	}
	if n.everyoneKeepsAll() {
		after = j.Joining.ID // the whole circle: it holds a copy of everything at once
	}
	n.compare(j.Joining, 1, after, j.Joining.ID, func(ok bool) {
		if ok {
			n.reply(hop, m, Joined{Table: n.table()})
		}
	})
}
