package chord

import (
	"slices"
	"time"

	"chordophone/overlay"
)

// wildcard is the Node-ID that every node answers to. // RFC 6940, section 6.1.1
var wildcard = overlay.ID{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}

// request identifies a request that was handled, to drop its duplicates.
type request struct {
	from overlay.ID
	tx   uint64
}

// forwarded is a request that was passed on.
type forwarded struct {
	at  time.Time
	to  overlay.ID
	hop overlay.Peer // it came from
	msg Message      // as it came
}

// nextHop is the node to which a request for key goes from here: this node
// itself when it is responsible. Where the neighbours are known without a gap
// that is the responsible node; otherwise the nearest known before key.
// RFC 6940, section 10.3: "it MUST route the request to the peer in the Routing
// Table that has the largest Node-ID that is in the interval between the peer
// and k." Going to the node at or after k, where it is known, saves the last
// hop of that rule. Suspected nodes are passed over.
func (n *Node) nextHop(key overlay.ID, but ...overlay.ID) overlay.Peer {
	passed := func(id overlay.ID) bool { return n.suspected(id) || slices.Contains(but, id) }
	if n.responsible(key) {
		return n.self
	}
	succ := n.ring.succ
	last := n.self.ID
	if len(succ) > 0 && (n.complete() || key.Between(n.self.ID, succ[len(succ)-1].ID) || key == succ[len(succ)-1].ID) {
		for _, p := range succ {
			if passed(p.ID) {
				continue
			}
			if key == p.ID || key.Between(last, p.ID) {
				return p
			}
			last = p.ID
		}
		if p, ok := n.behindEnd(key, last); ok && !passed(p.ID) {
			return p
		}
	}
	best := overlay.Peer{}
	closer := func(p overlay.Peer) {
		if p.ID.IsZero() || p.ID == n.self.ID || p.ID != key && !p.ID.Between(n.self.ID, key) {
			return
		}
		if (best.ID.IsZero() || best.ID != key && p.ID.Between(best.ID, key) || p.ID == key) && !passed(p.ID) {
			best = p
		}
	}
	for _, p := range n.fingers {
		closer(p)
	}
	for i := len(succ) - 1; i >= 0; i-- {
		if !passed(succ[i].ID) {
			closer(succ[i])
			break
		}
	}
	if best.ID.IsZero() {
		// Only nodes beyond key are known: the nearest of them.
		for _, p := range succ {
			if !passed(p.ID) {
				return p
			}
		}
		return n.self
	}
	return best
}

// behindEnd is the node at or after key among those that stand between the end of a
// list that should go round and this node, and have told so themselves a moment ago:
// newcomers, whom the list, which is another's word, does not name yet.
func (n *Node) behindEnd(key, end overlay.ID) (after overlay.Peer, ok bool) {
	if !n.complete() || n.now.Sub(n.changedAt) > 2*n.cfg.Round {
		return after, false
	}
	p := n.ring.pred
	return p, p.ID.Between(end, n.self.ID) && n.now.Sub(n.heard(p.ID)) <= 2*n.cfg.Round && !n.dead(p.ID) && (key == p.ID || key.Between(end, p.ID))
}

// backHop is the nearest known node at or after key among those before this node,
// where one before key is known, too. All that is known of those is the word of
// this node's predecessor, which could take the keys of its own predecessors that
// way: so requests do not go back, but round. Only who looks for its own place does,
// mostly in a ring that is just growing and in which the way round is not there yet.
func (n *Node) backHop(key overlay.ID) (after overlay.Peer, ok bool) {
	for _, p := range n.predecessors(n.cfg.Predecessors) {
		if n.suspected(p.ID) {
			continue
		}
		if !after.ID.IsZero() && (key == after.ID || key.Between(p.ID, after.ID)) {
			return after, true
		}
		after = p
	}
	return overlay.Peer{}, false
}

// forPlace reports whether a message asks for the place of its maker in the ring.
func forPlace(m Message) bool {
	_, ping := m.Body.(Ping)
	return ping && m.To[0].ID == m.From.ID.Plus(0)
}

// receive takes a message from the connection to the node hop.
func (n *Node) receive(hop overlay.Peer, m Message) {
	if n.state == idle || len(m.To) == 0 || len(m.Via) > maxTTL || len(m.To) > maxTTL+2 || m.Body == nil {
		n.counters.Bad++
		return
	}
	if m.From.ID == hop.ID {
		if !m.From.Addr.IsValid() {
			m.From.Addr = hop.Addr
		}
		switch m.Body.(type) {
		case Pong, Ack, Update, Fetched:
			n.alive(m.From)
		}
	}
	for len(m.To) > 1 && m.To[0].ID == n.self.ID && !m.To[0].Resource {
		m.To = m.To[1:] // RFC 6940, section 6.1.1: "removes the entry ... and repeats"
	}
	switch to := m.To[0]; {
	case to.Resource && len(m.To) > 1:
		n.counters.Bad++ // RFC 6940, section 6.1.1: "MUST be silently dropped"
	case !to.Resource && (to.ID == n.self.ID || to.ID == wildcard):
		n.deliver(hop, m)
	case n.state != joined && n.state != leaving:
		n.overhear(hop, m)
		n.counters.Unjoined++
	case to.Resource:
		next := n.nextHop(to.ID)
		if back, ok := n.backHop(to.ID); ok && next.ID != n.self.ID && forPlace(m) {
			next = back
		}
		n.pass(hop, m, next)
	default:
		c := n.contact(to.ID)
		if c != nil && (c.suspect != nil || n.dead(to.ID)) && isRequest(m.Body) {
			// Whoever asks by way of us wants to know just that.
			n.reply(hop, m, Error{Code: RequestTimeout})
			return
		}
		n.forward(hop, m, overlay.Peer{ID: to.ID})
	}
}

// pass hands a request for a resource to next, which may be this node. In a small office
// it is not sent where it has been: two nodes that do not know of a third each take the
// other for the one responsible, and a request would go to and fro between them until
// its TTL is used up, which takes no time, and its maker would wait for nothing. In a
// large ring there are other ways, and its maker tries them.
func (n *Node) pass(hop overlay.Peer, m Message, next overlay.Peer) {
	switch {
	case next.ID == n.self.ID:
		n.deliver(hop, m)
	case !n.complete() || !isRequest(m.Body):
		n.forward(hop, m, next)
	case next.ID == hop.ID || slices.Contains(m.Via, next.ID):
		n.counters.NoTTL++
		n.reply(hop, m, Error{Code: TTLExceeded})
	default:
		n.forward(hop, m, next)
		if !forPlace(m) && n.now.Sub(n.heard(next.ID)) > hedge {
			// Its maker knows next as well as this node does, and may have found it silent.
			n.checkSilent(next)
		}
	}
}

// forward passes a message on. // RFC 6940, section 6.1.2
func (n *Node) forward(hop overlay.Peer, m Message, next overlay.Peer) {
	if m.TTL <= 1 {
		n.counters.NoTTL++
		return
	}
	n.counters.Forwarded++
	if isRequest(m.Body) {
		if len(n.forwarded) == maxForwarded {
			n.forwarded = slices.Delete(n.forwarded, 0, maxForwarded/2)
		}
		n.forwarded = append(n.forwarded, forwarded{n.now, next.ID, hop, m})
	}
	via := make([]overlay.ID, 0, len(m.Via)+1) // of an answer it tells the requester the way
	m.Via = append(append(via, m.Via...), hop.ID)
	m.TTL--
	n.send(next, m)
}

// reroute sends elsewhere what was passed on to a node that is suspected now,
// and tells those who wanted just that node.
func (n *Node) reroute(id overlay.ID) {
	again := n.forwarded
	n.forwarded = nil
	for _, f := range again {
		switch {
		case f.to != id || n.now.Sub(f.at) > n.cfg.RouteTimeout:
			if n.now.Sub(f.at) <= n.cfg.RouteTimeout {
				n.forwarded = append(n.forwarded, f)
			}
		case f.msg.To[0].Resource:
			n.pass(f.hop, f.msg, n.nextHop(f.msg.To[0].ID))
		default:
			n.reply(f.hop, f.msg, Error{Code: RequestTimeout})
		}
	}
}

// deliver handles a message that is for this node.
func (n *Node) deliver(hop overlay.Peer, m Message) {
	if !isRequest(m.Body) {
		n.answered(hop, m)
		return
	}
	if !n.admits(m) {
		n.counters.Unjoined++
		return
	}
	r := request{m.From.ID, m.Tx}
	if slices.Contains(n.recent, r) {
		n.counters.Duplicate++
		return
	}
	if len(n.recent) < maxRecent {
		n.recent = append(n.recent, r)
	} else {
		n.recent[n.recentAt] = r
		n.recentAt = (n.recentAt + 1) % maxRecent
	}
	switch b := m.Body.(type) {
	case Ping:
		n.reply(hop, m, n.pong(b))
	case Join:
		n.admit(hop, m, b)
	case Update:
		if hop.ID == m.From.ID {
			n.updated(m.From, b.Table)
		}
		n.reply(hop, m, Ack{Of: AckUpdate})
	case Leave:
		n.reply(hop, m, Ack{Of: AckLeave})
		n.leaves(m.From, b.Table)
	case Store:
		n.stored(hop, m, b)
	case Fetch:
		n.fetched(hop, m, b)
	case Stat:
		n.reply(hop, m, n.versions(b))
	default:
		n.reply(hop, m, Error{Code: InvalidMessage})
	}
}

// admits reports whether a request is answered. A node that has not joined is
// silent, but for the node that hands records over to it.
func (n *Node) admits(m Message) bool {
	switch n.state {
	case joined, leaving:
		return true
	case joining:
		if m.From.ID != n.joinTry.serving {
			return false
		}
		switch m.Body.(type) {
		case Store, Stat, Fetch:
			return true
		}
	}
	return false
}

// reply sends an answer the way the request came. RFC 6940, section 6.1.2: "a
// Destination List equal to the concatenation of the Node-ID of the node from
// which the request was received with the Via List in the original request"
// (reversed).
func (n *Node) reply(hop overlay.Peer, m Message, body Body) {
	to := make([]Dest, 0, len(m.Via)+1)
	to = append(to, Dest{ID: hop.ID})
	for i := len(m.Via) - 1; i >= 0; i-- {
		to = append(to, Dest{ID: m.Via[i]})
	}
	n.send(hop, Message{Tx: m.Tx, From: n.self, To: to, TTL: maxTTL, Body: body})
}

func isRequest(b Body) bool {
	switch b.(type) {
	case Ping, Join, Update, Leave, Store, Fetch, Stat:
		return true
	}
	return false
}
