// Package chord is the ring as a state machine: it joins, keeps its place,
// finds who is responsible for an identifier, and keeps records there in as many
// copies as it takes. It is called, it does nothing by itself:
//
//	           Event                              []Action
//	Receive, Lost, Tick,  ──▶  (*Node).Step  ──▶  Send, Save, Drop,
//	Find, Get, Put, ...                           Found, Got, Kept, Ring
//
// There is no goroutine, lock, clock or I/O in it; time is an argument and
// chance a *rand.Rand handed in, so the same events give the same actions.
// overlay/node drives one Node on a real link and a real disk, overlay/sim
// drives thousands in simulated time.
//
// # Life of a node
//
//	         Start                 Joined, or nobody answered
//	(idle) ─────────▶ joining ────────────────────────────────▶ joined
//	                  silent: answers nobody but                  │ Stop
//	                  the node that hands records over            ▼
//	                                                 Left ◀── leaving
//
// # The ring
//
// Nodes stand on a circle of identifiers. Each knows the nodes that follow it
// (successor list), some that precede it, and in large rings some far away
// (fingers). While the office has no more nodes than the list is long everybody
// knows everybody, and a request goes straight to the node that answers it.
//
//	            pred      self      succ[0]   succ[1]  ...
//	─────────────●─────────●──────────●─────────●──────────▶ clockwise
//	             └─────────┘
//	       (pred, self]: what self is responsible for
//
// The operations that change the ring are Zave's (see the type ring), because
// those of the first Chord papers, and of RFC 6940 where it follows them, can
// break a ring for good.
//
// # Death
//
// A broken connection, or silence, makes a node suspect: nothing is routed over
// it any more. It is dead when it answers neither directly nor by way of another
// node. Only then the ring closes over it.
//
// # Records
//
// The node responsible for a record's Resource is its owner. It saves what it is
// sent, gives copies to the nodes that follow it, and only answers when two
// others have it on disk (or all others, where there are fewer). When it is silent or
// refuses, the writer stores the record at those others itself: then that of an office of
// three whose owner says nothing is on the disks of the two that are left. Of two versions
// the newer stands, whoever wrote them, so it does not matter in which order they
// meet, how often, or after how long a separation.
//
// No single node's word counts for much. Who wrote a record sees to it that there
// are copies; who reads one asks several holders, or compares the owner's answer
// with what it holds itself. Most questions carry a digest of what the asker has,
// and most answers say that it is the same.
//
// Silence costs a caller little: what is slow to come is asked for elsewhere, long
// before it is known who is dead.
package chord

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"chordophone/overlay"
)

// state is where a node is in its life.
type state uint8

const (
	idle state = iota
	joining
	joined
	leaving
	left
)

// Node is one node of the ring. Its methods are not safe for concurrent use.
type Node struct {
	self overlay.Peer
	cfg  Config
	rng  *rand.Rand

	// Of the Step at hand.
	now  time.Time
	acts []Action

	// The ring.
	state    state
	ring     ring
	version  int            // counts changes of ring.succ: an answer from before one is stale
	before   []overlay.Peer // what pred said stands before it, nearest first
	fingers  []overlay.Peer // fingers[i] is about 2^(127-i) clockwise; zero: none
	contacts []*contact     // by ID
	suspects int            // how many contacts are suspected

	// What is going on.
	calls       []call
	timers      timers
	timerSeq    uint64
	forwarded   []forwarded
	recent      []request // ring buffer
	recentAt    int
	asking      []overlay.ID // nodes heard of that are being asked
	stabilizing bool
	rectifying  bool
	calm        int // rounds without a change
	nextRound   time.Time
	announceAt  time.Time // zero: nothing to announce
	tellAt      time.Time
	told        []overlay.Peer // the list as the predecessor was last told
	joinTry     join
	known       []known
	nextProbe   time.Time
	nextFinger  int
	ops         int

	// Records.
	shelf        shelf
	replications []*replication
	outboxes     []*outbox
	nextFlush    time.Time
	copies       []copyState
	arcFrom      overlay.ID // where the arc began when replicas were last looked at
	syncAt       time.Time
	nextAnti     time.Time
	antiTurn     int
	nextOwn      time.Time
	ownTurn      int
	ownFrom      overlay.ID // where the look at this node's own records goes on
	nextSweep    time.Time
	changedAt    time.Time // when neighbours last changed
	carefulUntil time.Time // all holders are asked until then

	viewChanged bool
	counters    Counters
}

// Counters count since New what is worth a look when something goes wrong.
type Counters struct {
	Late      uint64 // answers that nobody waits for (any longer)
	Overload  uint64 // requests not made because too many are under way
	Bad       uint64 // messages that make no sense
	Duplicate uint64 // requests that came twice
	NoTTL     uint64 // requests that were under way for too long, or came back to where they had been
	Unjoined  uint64 // requests to a node that is not in the ring
	Forwarded uint64
	Suspected uint64
	Died      uint64 // suspected nodes that did not answer
	Refused   uint64 // records over a bound

	Implausible uint64 // answers from nodes that cannot be responsible
	Disbelieved uint64 // lists that left out too many who live
}

// New makes a node that does nothing until it is told to Start.
func New(self overlay.Peer, cfg Config, rng *rand.Rand) *Node {
	return &Node{
		self: self,
		cfg:  cfg,
		rng:  rng,
		ring: ring{self: self.ID, r: cfg.Successors},
	}
}

// Step tells the node what happened at now, which never runs backwards. The
// actions are to be carried out in order and are valid until the next Step.
func (n *Node) Step(now time.Time, ev Event) []Action {
	n.now = now
	n.acts = n.acts[:0]
	if n.state == left {
		return nil
	}
	switch ev := ev.(type) {
	case Start:
		n.start(ev)
	case Stop:
		n.stop()
	case Receive:
		n.receive(ev.From, ev.Msg)
	case Lost:
		n.lost(ev.Peer)
	case Heard:
		n.hear(ev.Peers)
	case Find:
		n.find(ev)
	case Forget:
		n.forget(ev.Slots)
	case Ask:
		n.askFor(ev)
	case Get:
		n.get(ev)
	case Put:
		n.put(ev)
	case Tick:
		n.tick()
	}
	if n.viewChanged {
		n.viewChanged = false
		n.acts = append(n.acts, Ring{n.View()})
	}
	return n.acts
}

// stall is how late a Tick may be before the node takes itself, not the others,
// for the one that slept.
const stall = 200 * time.Millisecond

func (n *Node) tick() {
	if late := n.now.Sub(n.Next()); late > stall {
		// A disk or a scheduler held this node up. Answers may be waiting in
		// front of it: nobody is to be suspected for that.
		for i := range n.calls {
			n.calls[i].deadline = n.calls[i].deadline.Add(late + stall)
		}
	}
	n.expireCalls()
	n.fireTimers()
	if n.state == joined {
		n.due(&n.announceAt, n.announce)
		n.due(&n.nextRound, n.round)
		n.due(&n.tellAt, n.tell)
		n.due(&n.syncAt, n.checkReplicas)
		n.due(&n.nextAnti, n.antiEntropy)
		n.due(&n.nextOwn, n.checkOwn)
	}
	n.due(&n.nextFlush, n.flushAll)
	n.due(&n.nextSweep, n.sweep)
}

// due calls do when its time has come; do may set a new time.
func (n *Node) due(at *time.Time, do func()) {
	if !at.IsZero() && !n.now.Before(*at) {
		*at = time.Time{}
		do()
	}
}

// Next is when the node wants a Tick; zero when it is waiting for events only.
func (n *Node) Next() time.Time {
	var next time.Time
	earlier := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if n.state == left {
		return next
	}
	for i := range n.calls {
		earlier(n.calls[i].deadline)
	}
	if len(n.timers) > 0 {
		earlier(n.timers[0].at)
	}
	if n.state == joined {
		earlier(n.announceAt)
		earlier(n.nextRound)
		earlier(n.tellAt)
		earlier(n.syncAt)
		earlier(n.nextAnti)
		earlier(n.nextOwn)
	}
	earlier(n.nextFlush)
	earlier(n.nextSweep)
	return next
}

// Counters returns the counters so far.
func (n *Node) Counters() Counters { return n.counters }

// addr is the address of a node, where it is known.
func (n *Node) addr(id overlay.ID) (a netip.AddrPort) {
	for _, p := range n.ring.succ {
		if p.ID == id {
			return p.Addr
		}
	}
	if n.ring.pred.ID == id {
		return n.ring.pred.Addr
	}
	for _, p := range n.before {
		if p.ID == id {
			return p.Addr
		}
	}
	for _, p := range n.fingers {
		if p.ID == id {
			return p.Addr
		}
	}
	if c := n.contact(id); c != nil {
		return c.peer.Addr
	}
	return a
}

// ringChanged is called after each change of the ring.
func (n *Node) ringChanged() {
	n.version++
	n.calm = 0
	n.changedAt = n.now
	n.viewChanged = true
	n.soon(&n.nextRound, n.cfg.Round)
	n.soon(&n.tellAt, n.cfg.Round/10)
	if n.everyoneKeepsAll() {
		// A death makes no new replica here, only a newcomer does.
		n.soon(&n.syncAt, n.cfg.Round/10)
	} else {
		n.soon(&n.syncAt, n.cfg.HoldDown)
	}
	n.ownFrom = overlay.ID{}
	n.soon(&n.nextOwn, 2*n.cfg.HoldDown)
	n.replicateAnew()
}

// soon brings a time forward.
func (n *Node) soon(at *time.Time, d time.Duration) {
	if t := n.now.Add(d); at.IsZero() || t.Before(*at) {
		*at = t
	}
}

// Joined reports whether the node is in the ring.
func (n *Node) Joined() bool { return n.state == joined || n.state == leaving }

// Successor is the first of the successor list; false when it is empty.
func (n *Node) Successor() (overlay.Peer, bool) {
	if len(n.ring.succ) == 0 {
		return overlay.Peer{}, false
	}
	return n.ring.succ[0], true
}
