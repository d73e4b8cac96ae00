package chord

import (
	"slices"
	"time"

	"chordophone/overlay"
)

// call is a request of this node that is not answered yet.
type call struct {
	tx       uint64
	hop      overlay.Peer // neighbour it was sent to
	far      bool         // it may go on from there to others
	verify   bool         // it is to find out whether hop lives
	seen     *Table       // what a Pong means that says it is the same
	sent     time.Time
	deadline time.Time
	done     func(answer)
}

// answer is what became of a call: body is nil when nothing came, and then lost
// tells a neighbour that broke from silence.
type answer struct {
	from overlay.Peer
	body Body
	path []overlay.ID // the nodes it came by, nearest first, its maker last
	lost bool
}

// wayOf is the way an answer came, nearest node first.
func wayOf(hop overlay.Peer, m Message) []overlay.ID {
	way := append(slices.Clone(m.Via), hop.ID)
	slices.Reverse(way)
	return way
}

func (a answer) ok() bool {
	_, bad := a.body.(Error)
	return a.body != nil && !bad
}

// ask sends a request to a neighbour; when it does not answer in time it is
// suspected.
func (n *Node) ask(to overlay.Peer, body Body, done func(answer)) {
	c := call{hop: to, done: done}
	if _, ok := body.(Ping); ok {
		if k := n.contact(to.ID); k != nil && k.table != nil {
			c.seen = k.table
			body = Ping{Seen: k.table.digest()}
		}
	}
	n.call(c, []Dest{{ID: to.ID}}, body, n.cfg.RequestTimeout)
}

func (n *Node) call(c call, to []Dest, body Body, timeout time.Duration) {
	if len(n.calls) >= maxCalls {
		n.counters.Overload++
		n.later(0, func() { c.done(answer{}) })
		return
	}
	c.tx = n.rng.Uint64()
	c.sent, c.deadline = n.now, n.now.Add(timeout)
	n.calls = append(n.calls, c)
	n.send(c.hop, Message{Tx: c.tx, From: n.self, To: to, TTL: maxTTL, Body: body})
}

func (n *Node) send(to overlay.Peer, m Message) {
	if !to.Addr.IsValid() {
		to.Addr = n.addr(to.ID)
	}
	n.acts = append(n.acts, Send{To: to, Msg: m})
}

// answered hands an answer to the call that waits for it.
func (n *Node) answered(hop overlay.Peer, m Message) {
	i := slices.IndexFunc(n.calls, func(c call) bool { return c.tx == m.Tx })
	if i < 0 {
		n.counters.Late++
		return
	}
	c := n.calls[i]
	if !c.far && !c.hop.ID.IsZero() && m.From.ID != c.hop.ID {
		n.counters.Late++ // answers to what was asked of somebody else
		return
	}
	if pong, ok := m.Body.(Pong); ok {
		if pong.Same {
			if c.seen == nil {
				n.counters.Bad++
				return
			}
			m.Body = Pong{Table: *c.seen}
		} else if m.From.ID == c.hop.ID {
			n.noteTable(c.hop.ID, pong.Table)
		}
	}
	n.calls = slices.Delete(n.calls, i, i+1)
	c.done(answer{from: m.From, body: m.Body, path: wayOf(hop, m)})
}

// expireCalls gives up what was not answered in time.
func (n *Node) expireCalls() {
	for i := 0; i < len(n.calls); {
		c := n.calls[i]
		if n.now.Before(c.deadline) {
			i++
			continue
		}
		n.calls = slices.Delete(n.calls, i, i+1)
		if !c.verify && !c.hop.ID.IsZero() && (!c.far || n.heard(c.hop.ID).Before(c.sent)) {
			n.suspect(c.hop)
		}
		c.done(answer{})
		i = 0 // done may have made new ones, and ended others
	}
}

// failCalls ends the calls that went to a neighbour that is suspected now, so
// that they can go another way at once.
func (n *Node) failCalls(hop overlay.ID) {
	for {
		i := slices.IndexFunc(n.calls, func(c call) bool { return c.hop.ID == hop && !c.verify })
		if i < 0 {
			return
		}
		c := n.calls[i]
		n.calls = slices.Delete(n.calls, i, i+1)
		c.done(answer{lost: true})
	}
}
