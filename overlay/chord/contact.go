package chord

import (
	"slices"
	"time"

	"chordophone/overlay"
)

// contact is what a node remembers of another that it had to do with.
type contact struct {
	peer    overlay.Peer
	heard   time.Time  // when it last said something that only a member says
	suspect *suspicion // nil: none
	dead    time.Time  // when it was found dead; zero: not
	table   *Table     // what it last told, of the two that are asked again and again; nil: none
}

// suspicion is under way from the first sign that a node is dead until it
// answers, or is taken for dead.
//
//	       Lost, or no answer
//	alive ────────────────────▶ suspect ──▶ dead: neither answers to itself,
//	  ▲                            │              nor by way of another
//	  └────────────────────────────┘
//	   any word only a member says
type suspicion struct {
	direct, indirect bool // this way was tried in vain
	tries            int
}

func (n *Node) contactAt(id overlay.ID) (int, bool) {
	return slices.BinarySearchFunc(n.contacts, id, func(c *contact, id overlay.ID) int { return c.peer.ID.Compare(id) })
}

func (n *Node) contact(id overlay.ID) *contact {
	if i, ok := n.contactAt(id); ok {
		return n.contacts[i]
	}
	return nil
}

// meet returns the contact with p, a new one if need be.
func (n *Node) meet(p overlay.Peer) *contact {
	i, ok := n.contactAt(p.ID)
	if ok {
		if p.Addr.IsValid() {
			n.contacts[i].peer.Addr = p.Addr
		}
		return n.contacts[i]
	}
	if len(n.contacts) >= maxContacts {
		n.forgetOldest()
		i, _ = n.contactAt(p.ID)
	}
	c := &contact{peer: p}
	n.contacts = slices.Insert(n.contacts, i, c)
	return c
}

func (n *Node) forgetOldest() {
	oldest := -1
	for i, c := range n.contacts {
		if c.suspect == nil && (oldest < 0 || c.heard.Before(n.contacts[oldest].heard)) {
			oldest = i
		}
	}
	if oldest < 0 {
		oldest = 0
		n.contacts[0].suspect = nil
		n.suspects--
	}
	n.contacts = slices.Delete(n.contacts, oldest, oldest+1)
}

// noteTable remembers the table of the successor and of the predecessor.
func (n *Node) noteTable(id overlay.ID, t Table) {
	c := n.contact(id)
	if c == nil {
		return
	}
	c.table = nil
	if n.ring.pred.ID == id || len(n.ring.succ) > 0 && n.ring.succ[0].ID == id {
		c.table = &t
	}
}

func (n *Node) heard(id overlay.ID) time.Time {
	if c := n.contact(id); c != nil {
		return c.heard
	}
	return time.Time{}
}

func (n *Node) suspected(id overlay.ID) bool {
	if n.suspects == 0 {
		return false
	}
	c := n.contact(id)
	return c != nil && c.suspect != nil
}

// dead reports whether id died lately: then nobody else's word that it is in the
// ring counts, only its own.
func (n *Node) dead(id overlay.ID) bool {
	c := n.contact(id)
	return c != nil && !c.dead.IsZero() && n.now.Sub(c.dead) < n.cfg.DeadTime
}

// living is the list without those that died lately.
func (n *Node) living(list []overlay.Peer) []overlay.Peer {
	if len(list) > maxTable {
		list = list[:maxTable]
	}
	if !slices.ContainsFunc(list, func(p overlay.Peer) bool { return p.ID.IsZero() || n.dead(p.ID) }) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(p overlay.Peer) bool { return p.ID.IsZero() || n.dead(p.ID) })
}

// alive notes that p said what only a living member of the ring says.
func (n *Node) alive(p overlay.Peer) {
	c := n.meet(p)
	c.heard = n.now
	c.dead = time.Time{}
	if c.suspect != nil {
		c.suspect = nil
		n.suspects--
		n.ringChanged() // this node's arc may be smaller again
	}
}

// lost is told by the link: the connection broke or was refused.
func (n *Node) lost(id overlay.ID) {
	if n.state == idle || id.IsZero() || id == n.self.ID {
		return
	}
	if c := n.contact(id); c != nil && c.suspect != nil {
		n.triedDirect(c) // and cannot be made again
		return
	}
	n.suspect(overlay.Peer{ID: id, Addr: n.addr(id)})
}

// neighbour reports whether id stands in one of this node's tables.
func (n *Node) neighbour(id overlay.ID) bool {
	is := func(p overlay.Peer) bool { return p.ID == id }
	return n.ring.pred.ID == id || slices.ContainsFunc(n.ring.succ, is) ||
		slices.ContainsFunc(n.before, is) || slices.ContainsFunc(n.fingers, is)
}

// suspect stops using p until it is known whether it lives.
func (n *Node) suspect(p overlay.Peer) {
	if n.state != joined && n.state != leaving || !n.neighbour(p.ID) {
		n.failCalls(p.ID)
		return
	}
	c := n.meet(p)
	if c.suspect != nil || n.dead(p.ID) {
		return
	}
	n.counters.Suspected++
	c.suspect = &suspicion{}
	n.suspects++
	n.verifyDirect(c)
	n.verifyIndirect(c)
	n.failCalls(p.ID)
	n.reroute(p.ID)
	n.ringChanged() // others' arcs are answered for as long as it lasts
}

// verifyDirect asks the suspect itself, twice if it is silent.
func (n *Node) verifyDirect(c *contact) {
	s := c.suspect
	n.call(call{hop: c.peer, verify: true, done: func(a answer) {
		switch {
		case c.suspect != s || s.direct:
		case a.body != nil: // alive heard it
		case s.tries == 0:
			s.tries++
			n.verifyDirect(c)
		default:
			n.triedDirect(c)
		}
	}}, []Dest{{ID: c.peer.ID}}, Ping{}, n.cfg.RequestTimeout)
}

func (n *Node) triedDirect(c *contact) {
	c.suspect.direct = true
	n.judge(c)
}

// verifyIndirect asks by way of another node: what broke may be the path, not
// the node.
func (n *Node) verifyIndirect(c *contact) {
	s := c.suspect
	helper, ok := n.helper(c.peer.ID)
	if !ok {
		s.indirect = true
		return
	}
	n.call(call{hop: helper, far: true, verify: true, done: func(a answer) {
		switch {
		case c.suspect != s:
		case a.ok():
			n.alive(c.peer)
		default:
			s.indirect = true
			n.judge(c)
		}
	}}, []Dest{{ID: helper.ID}, {ID: c.peer.ID}}, Ping{}, 2*n.cfg.RequestTimeout)
}

// helper is a neighbour, not suspected itself, that is likely to know id.
func (n *Node) helper(id overlay.ID) (h overlay.Peer, ok bool) {
	var all []overlay.Peer
	for _, list := range [][]overlay.Peer{n.ring.succ[:min(4, len(n.ring.succ))], n.predecessors(2)} {
		for _, p := range list {
			if p.ID != id && !n.suspected(p.ID) {
				all = append(all, p)
			}
		}
	}
	if len(all) == 0 {
		return h, false
	}
	return all[n.rng.IntN(len(all))], true
}

func (n *Node) judge(c *contact) {
	if s := c.suspect; s != nil && s.direct && s.indirect {
		n.died(c)
	}
}

// died closes the ring over a dead node.
func (n *Node) died(c *contact) {
	n.counters.Died++
	if c.suspect != nil {
		c.suspect = nil
		n.suspects--
	}
	c.dead = n.now
	id := c.peer.ID
	is := func(p overlay.Peer) bool { return p.ID == id }
	beside := n.ring.pred.ID == id || len(n.ring.succ) > 0 && n.ring.succ[0].ID == id
	n.remember(c.peer, n.cfg.Round) // it may come back
	n.ring.remove(id)
	n.before = slices.DeleteFunc(slices.Clone(n.before), is)
	if is(n.ring.pred) {
		if p := n.predecessors(1); len(p) > 0 {
			n.ring.predecessorDead(p[0])
		}
	}
	for i := range n.fingers {
		if is(n.fingers[i]) {
			n.fingers[i] = overlay.Peer{}
		}
	}
	n.copies = slices.DeleteFunc(n.copies, func(s copyState) bool { return s.id == id })
	n.ringChanged()
	n.failCalls(id)
	if beside {
		// RFC 6940, section 10.7.1: "the peer MUST send an immediate Update to
		// all nodes in its Neighbor Table." Only the two beside it do.
		n.soon(&n.announceAt, 50*time.Millisecond)
		n.soon(&n.nextRound, 0)
	}
}
