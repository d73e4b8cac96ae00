package chord

import (
	"net/netip"
	"slices"
	"time"

	"chordophone/overlay"
)

// known is an address at which another part of the ring may be: from discovery,
// configuration or former days.
type known struct {
	peer overlay.Peer // its ID may be zero
	next time.Time    // when it is worth asking again
	wait time.Duration

	knock time.Time // when, while this node is joining
}

// hear takes note of addresses.
func (n *Node) hear(peers []overlay.Peer) {
	for _, p := range peers {
		if p.Addr.IsValid() && p.ID != n.self.ID && p.Addr != n.self.Addr {
			isNew := n.remember(p, 0)
			if j := &n.joinTry; isNew && n.state == joining && j.open > 0 && j.open < firstKnocks && !j.busy {
				n.knockAt(&n.known[len(n.known)-1])
			}
		}
	}
	if n.state == joined && len(n.ring.succ) == 0 {
		n.soon(&n.nextRound, n.cfg.Round/10)
	}
}

// remember adds p to the known, to be asked after wait. Those asked in vain the
// longest give way. It reports whether p is new.
func (n *Node) remember(p overlay.Peer, wait time.Duration) bool {
	if !p.Addr.IsValid() {
		return false
	}
	same := func(k known) bool {
		return k.peer.Addr == p.Addr && (k.peer.ID == p.ID || k.peer.ID.IsZero() || p.ID.IsZero()) ||
			!p.ID.IsZero() && k.peer.ID == p.ID
	}
	if i := slices.IndexFunc(n.known, same); i >= 0 {
		k := &n.known[i]
		if !p.ID.IsZero() {
			k.peer = p
		}
		if at := n.now.Add(wait); at.Before(k.next) {
			k.next = at
			k.wait = 0
		}
		return false
	}
	if len(n.known) == maxKnown {
		i := 0
		for j := range n.known {
			if n.known[j].wait > n.known[i].wait {
				i = j
			}
		}
		n.known = slices.Delete(n.known, i, i+1)
	}
	n.known = append(n.known, known{peer: p, next: n.now.Add(wait)})
	return true
}

// Bounds of how often a known address is asked.
const (
	probeFirst = time.Second
	probeAlone = 5 * time.Second
	probeMost  = 30 * time.Second
	probeSame  = 2 * time.Minute // after it turned out to be in this ring
)

// probe is MERGE_PROBE: it asks a known node who follows this one. When that is
// not the successor there are two rings, and they become one. RFC 6940, section
// 10.7.4.4: "If a response is received from peer S', which is not P's successor,
// then the overlay is partitioned".
func (n *Node) probe() {
	if !n.complete() {
		// In a large ring most of the known are in it, and every node asks.
		if n.settled() && n.now.Before(n.nextProbe) {
			return
		}
		n.nextProbe = n.now.Add(n.jitter(probeMost))
	}
	most, first := 1, probeFirst
	if len(n.ring.succ) == 0 || n.complete() && n.now.Sub(n.changedAt) < time.Minute {
		most = 4 // after a power cut many may be gone for good, and the rest in rings of their own
	}
	if !n.settled() {
		first = n.cfg.Round / 4
	}
	for i := range n.known {
		k := &n.known[i]
		if n.now.Before(k.next) || n.suspected(k.peer.ID) {
			continue
		}
		if n.complete() && !k.peer.ID.IsZero() && n.inList(k.peer.ID) {
			k.next = n.now.Add(probeSame)
			continue
		}
		if most == 0 {
			break
		}
		most--
		k.wait = min(max(first, k.wait*3/2), probeMost)
		if len(n.ring.succ) == 0 {
			k.wait = min(k.wait, probeAlone)
		}
		k.next = n.now.Add(n.jitter(k.wait))
		n.probeBy(k.peer)
	}
	// Asked last is asked last again.
	slices.SortStableFunc(n.known, func(a, b known) int { return a.next.Compare(b.next) })
}

func (n *Node) inList(id overlay.ID) bool {
	return slices.ContainsFunc(n.ring.succ, func(p overlay.Peer) bool { return p.ID == id })
}

func (n *Node) probeBy(q overlay.Peer) {
	n.call(call{hop: q, far: true, verify: true, done: func(a answer) {
		pong, ok := a.body.(Pong)
		if !ok || n.state != joined {
			return
		}
		x := n.where(a.from, pong.Table)
		if x.ID == n.self.ID || n.inList(x.ID) && x.ID == n.ring.succ[0].ID {
			n.inThisRing(q.Addr)
			return
		}
		if !x.Addr.IsValid() {
			// It came over others. The node before it has its address.
			if len(pong.Table.Pred) > 0 && pong.Table.Pred[0].ID != n.self.ID {
				n.askNew(pong.Table.Pred[0])
			}
			return
		}
		n.merge(x, pong.Table)
	}}, []Dest{{ID: n.self.ID.Plus(0), Resource: true}}, Ping{}, n.cfg.RouteTimeout)
}

func (n *Node) inThisRing(addr netip.AddrPort) {
	if i := slices.IndexFunc(n.known, func(k known) bool { return k.peer.Addr == addr }); i >= 0 {
		n.known[i].next = n.now.Add(n.jitter(probeSame))
	}
}

// merge takes x, which has just answered, for successor if it is a better one,
// and tells it.
func (n *Node) merge(x overlay.Peer, t Table) {
	n.alive(x)
	merged := false
	n.watch(func() { merged = n.ring.merge(x, n.living(t.Succ)) })
	if !merged {
		return
	}
	n.notify()
	n.soon(&n.announceAt, 50*time.Millisecond)
	for _, p := range n.living(t.Pred) { // the far side of where this node belongs
		if p.ID != n.self.ID {
			n.ask(p, Update{Table: n.table()}, func(answer) {})
		}
	}
	for _, p := range t.Succ {
		n.remember(p, n.cfg.FingerCheck)
	}
}
