package chord

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"chordophone/overlay"
)

// quest is a request to whoever is responsible for a point of a large ring. One
// node on the way that is slow, has just died, or was taken over by somebody is
// enough to spoil a way; so when no answer comes soon, or one that cannot be true,
// the request goes out again through another neighbour, while the first answer is
// still welcome.
type quest struct {
	point overlay.ID
	body  Body
	until time.Time
	tried []overlay.ID // the first nodes of the ways gone so far
	open  int          // ways from which an answer may come
	over  bool
	done  func(answer)
}

// route sends a request to whoever is responsible for key, which is not this
// node: hop is what nextHop said.
func (n *Node) route(hop overlay.Peer, key overlay.ID, body Body, done func(answer)) {
	if n.complete() { // straight to the owner, who may have to ask replicas
		n.call(call{hop: hop, far: true, done: done}, []Dest{{ID: key, Resource: true}}, body, 2*n.cfg.RequestTimeout)
		return
	}
	n.goWay(&quest{point: key, body: body, until: n.now.Add(n.cfg.RouteTimeout), done: done}, hop)
}

// goWay sends the request through one more neighbour.
func (n *Node) goWay(q *quest, hop overlay.Peer) {
	q.tried = append(q.tried, hop.ID)
	q.open++
	n.call(call{hop: hop, far: true, done: func(a answer) {
		q.open--
		switch {
		case q.over:
		case a.ok() && !n.plausible(q.point, a.from.ID):
			n.counters.Implausible++
			n.nextWay(q)
		case a.body == nil && n.now.Before(q.until):
			n.nextWay(q)
		case a.body != nil || q.open == 0:
			q.over = true
			q.done(a)
		}
	}}, []Dest{{ID: q.point, Resource: true}}, q.body, q.until.Sub(n.now))
	n.later(n.cfg.RequestTimeout/2, func() {
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
		q.over = true
		q.done(answer{lost: n.now.Before(q.until)})
	}
}

// farOff is how many times the mean distance between two nodes the one that is
// responsible may be away from its point. Honest nodes exceed it once in e^24
// times; and it leaves room for a size that is estimated wrong.
const farOff = 24

// plausible reports whether id may be responsible for point. Nobody can choose
// its Node-ID, the certificate fixes it; so whoever claims what is not its own is
// nearly always too far away.
func (n *Node) plausible(point, id overlay.ID) bool {
	size := uint64(n.size())
	if n.complete() || size <= farOff {
		return true
	}
	d := point.Distance(id)
	return binary.BigEndian.Uint64(d[:8]) <= math.MaxUint64/size*farOff
}
