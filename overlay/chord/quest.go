package chord

import (
	"encoding/binary"
	"slices"
	"time"

	"chordophone/overlay"
)

// quest is a request to whoever is responsible for a point of a large ring. One
// node on the way that is slow, has just died, or was taken over by somebody is
// enough to spoil a way, and so is a link that carries nothing one way. When no
// answer comes soon, or one that cannot be true, the request goes out again through
// another neighbour, while the first answer is still welcome.
type quest struct {
	point overlay.ID
	body  Body
	until time.Time
	tried []overlay.ID // the first nodes of the ways gone so far
	open  int          // ways from which an answer may come
	over  bool
	done  func(answer)

	refused bool // somebody on a way answered with an error

	doubtful answer // the nearest of those that may be true, but need not
	opinions int    // how many of those there were
	discord  bool   // they were not all of one node

	far        answer // one that cannot be true, unless nobody has another
	fars       int    // how many of those there were
	farDiscord bool   // they were not all of one node
}

// route sends a request to whoever is responsible for key, which is not this
// node: hop is what nextHop said.
func (n *Node) route(hop overlay.Peer, key overlay.ID, body Body, done func(answer)) {
	if n.complete() {
		n.goStraight(hop, key, body, done)
		return
	}
	n.goWay(&quest{point: key, body: body, until: n.now.Add(n.cfg.RouteTimeout), done: done}, hop)
}

// goStraight asks the owner, who may have to ask replicas, and when it is slow by
// way of another node, too: the link between may carry nothing. While it is not
// known whether the owner lives, anybody else could only guess, and is not heard.
func (n *Node) goStraight(hop overlay.Peer, key overlay.ID, body Body, done func(answer)) {
	over := false
	ended := func(a answer) {
		if !over {
			over = true
			done(a)
		}
	}
	to := []Dest{{ID: key, Resource: true}}
	n.call(call{hop: hop, far: true, done: ended}, to, body, 2*n.cfg.RequestTimeout)
	n.later(slow(body), func() {
		if over || n.state != joined {
			return
		}
		n.checkSilent(hop)
		if q, ok := n.helper(hop.ID); ok {
			n.call(call{hop: q, far: true, verify: true, done: func(a answer) {
				if a.body != nil && a.from.ID == hop.ID {
					ended(a)
				}
			}}, to, body, 2*n.cfg.RequestTimeout)
		}
	})
}

// checkSilent asks a neighbour that is slow to answer whether it lives, so that it
// is known the sooner when it does not.
func (n *Node) checkSilent(hop overlay.Peer) {
	if !n.suspected(hop.ID) && n.neighbour(hop.ID) && !slices.ContainsFunc(n.calls, func(c call) bool { return c.hop.ID == hop.ID && !c.far }) {
		n.ask(hop, Ping{}, func(answer) {})
	}
}

// slow is how long a request may take until it goes another way, too.
func slow(b Body) time.Duration {
	if _, ok := b.(Store); ok {
		return slowOwner
	}
	return hedge
}

// goWay sends the request through one more neighbour.
func (n *Node) goWay(q *quest, hop overlay.Peer) {
	q.tried = append(q.tried, hop.ID)
	q.open++
	n.call(call{hop: hop, far: true, done: func(a answer) {
		q.open--
		if q.over {
			return
		}
		if a.ok() {
			switch off := n.off(q.point, a.from.ID); {
			case off > farOff:
				n.counters.Implausible++
				n.carefulUntil = n.now.Add(careful)
				q.farDiscord = q.fars > 0 && (q.farDiscord || a.from.ID != q.far.from.ID)
				q.far = a
				q.fars++
				n.nextWay(q)
				return
			case off > nearBy:
				q.opinions++
				q.discord = q.discord || q.opinions > 1 && a.from.ID != q.doubtful.from.ID
				if q.opinions == 1 || q.point.Distance(a.from.ID).Compare(q.point.Distance(q.doubtful.from.ID)) < 0 {
					q.doubtful = a
				}
				if q.opinions < opinions || q.discord && q.opinions < opinionsInDiscord {
					n.nextWay(q)
					return
				}
				a = q.doubtful
			}
		} else if e, ok := a.body.(Error); ok && (e.Code == TTLExceeded || n.off(q.point, a.from.ID) > nearBy) {
			// An error of somebody on the way is none of the one who is responsible.
			q.refused = true
			a = answer{}
		}
		if a.body == nil && n.now.Before(q.until) {
			n.nextWay(q)
			return
		}
		if a.body == nil && q.open > 0 {
			return
		}
		n.endQuest(q, a)
	}}, []Dest{{ID: q.point, Resource: true}}, q.body, q.until.Sub(n.now))
	wait := hedge // who asks a second time has waited for disks already
	if len(q.tried) == 1 {
		wait = slow(q.body)
	}
	n.later(wait, func() {
		if !q.over {
			n.checkSilent(hop)
		}
		if !q.over && q.tried[len(q.tried)-1] == hop.ID { // nobody went on since
			n.nextWay(q)
		}
	})
}

// nextWay tries the best neighbour that was not tried yet, if there is one.
func (n *Node) nextWay(q *quest) {
	if n.state == joined && n.now.Before(q.until) && len(q.tried) < maxWays {
		if hop := n.nextHop(q.point, q.tried...); hop.ID != n.self.ID && !slices.Contains(q.tried, hop.ID) {
			n.goWay(q, hop)
			return
		}
	}
	if q.open == 0 {
		n.endQuest(q, answer{lost: n.now.Before(q.until) && !q.refused})
	}
}

func (n *Node) endQuest(q *quest, a answer) {
	switch {
	case a.body != nil:
	case q.opinions > 0:
		a = q.doubtful
	case q.fars >= opinionsInDiscord && !q.farDiscord:
		a = q.far
	}
	q.over = true
	q.done(a)
}

// Nobody can choose its Node-ID, the certificate fixes it; so whoever claims what
// is not its own is mostly too far away from it. These are distances in mean
// distances of two nodes.
const (
	nearBy   = 3  // not even one honest node in 20 is farther away: it is believed at once
	farOff   = 16 // one in ten million is: it is believed if many ways lead to it, and none to another
	opinions = 3  // so many are heard in between; the nearest is believed

	opinionsInDiscord = 8 // when they are not all of one node: most are lies then
)

// shortList is how many nodes a list has at least that tells something of the ring's size.
const shortList = 8

// off is how far id is behind point. Nobody is too far while the list is so short that it
// is only being put together, and tells nothing of the ring's size.
func (n *Node) off(point, id overlay.ID) float64 {
	if n.complete() || len(n.ring.succ) < min(shortList, n.cfg.Successors) {
		return 0
	}
	d := point.Distance(id)
	return float64(binary.BigEndian.Uint64(d[:8])) / (1 << 64) * float64(n.size())
}
