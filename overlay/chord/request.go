package chord

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"chordophone/overlay"
)

// again is how long a request of the user waits before it is tried again.
const again = 50 * time.Millisecond

// begin admits one more request of the user.
func (n *Node) begin() bool {
	if n.ops == maxOps {
		n.counters.Overload++
		return false
	}
	n.ops++
	return true
}

func (n *Node) find(ev Find) {
	if !n.begin() {
		n.acts = append(n.acts, Found{Ref: ev.Ref, Err: ErrBusy})
		return
	}
	n.tryFind(ev, n.now.Add(n.cfg.OpTimeout))
}

func (n *Node) tryFind(ev Find, until time.Time) {
	if n.state != joined || !n.now.Before(until) {
		n.wait(until, func() { n.tryFind(ev, until) }, func(err error) {
			n.acts = append(n.acts, Found{Ref: ev.Ref, Err: err})
		})
		return
	}
	hop := n.nextHop(ev.Key)
	if hop.ID == n.self.ID {
		n.ops--
		n.acts = append(n.acts, Found{Ref: ev.Ref, Peer: n.self})
		return
	}
	n.route(hop, ev.Key, Ping{}, func(a answer) {
		pong, ok := a.body.(Pong)
		if !ok {
			n.later(retry(a), func() { n.tryFind(ev, until) })
			return
		}
		n.ops--
		n.acts = append(n.acts, Found{Ref: ev.Ref, Peer: n.where(a.from, pong.Table), Path: a.path})
	})
}

// askFor sends a request of somebody who looks after the ring; this node answers
// its own.
func (n *Node) askFor(ev Ask) {
	replied := func(b Body) { n.acts = append(n.acts, Replied{Ref: ev.Ref, Body: b}) }
	if ev.To.ID != n.self.ID {
		n.ask(ev.To, ev.Body, func(a answer) { replied(a.body) })
		return
	}
	switch b := ev.Body.(type) {
	case Ping:
		replied(Pong{Table: n.table()})
	case Stat:
		replied(Versions{Held: n.shelf.held(n.now, b.After, b.Upto, maxHeld)})
	case Fetch:
		replied(Fetched{Records: n.shelf.resource(n.now, b.Resource, b.Kinds)})
	case Store:
		for _, r := range b.Records {
			n.keep(r)
		}
		replied(Stored{Copies: 1})
	default:
		replied(Error{Code: InvalidMessage, Info: "a node does not ask that of itself"})
	}
}

// retry is how long to wait after an answer that was none: nothing when the way
// was found broken, since there is another now.
func retry(a answer) time.Duration {
	if a.lost {
		return 0
	}
	return again
}

// wait tries again a little later, or gives up.
func (n *Node) wait(until time.Time, try func(), giveUp func(error)) {
	switch {
	case n.now.Before(until) && n.state != leaving:
		n.later(again, try)
		return
	case n.state != joined:
		n.ops--
		giveUp(ErrNotJoined)
	default:
		n.ops--
		giveUp(ErrTimeout)
	}
}

// putting is a Put under way.
type putting struct {
	rec   overlay.Record
	until time.Time
	user  bool
	done  func(Kept)
}

func (n *Node) put(ev Put) {
	end := func(k Kept) {
		k.Ref = ev.Ref
		n.acts = append(n.acts, k)
	}
	if err := ev.Record.CheckSize(); err != nil {
		end(Kept{Err: err})
		return
	}
	if !n.begin() {
		end(Kept{Err: ErrBusy})
		return
	}
	r := ev.Record
	if r.Removed {
		// The tombstone has to outlive every copy of what it removes.
		r.Lifetime = max(r.Lifetime, n.cfg.Tombstone)
		if e := n.shelf.get(r.Slot()); e != nil {
			r.Lifetime = max(r.Lifetime, e.expires.Sub(n.now))
		}
	}
	n.tryPut(&putting{rec: r, until: n.now.Add(n.cfg.OpTimeout), user: true, done: end})
}

func (n *Node) tryPut(p *putting) {
	if p.user && (n.state != joined || !n.now.Before(p.until)) {
		n.wait(p.until, func() { n.tryPut(p) }, func(err error) { p.done(Kept{Err: err}) })
		return
	}
	if n.state != joined || !n.now.Before(p.until) {
		return
	}
	end := func(k Kept) {
		if p.user {
			n.ops--
			if k.Err == nil {
				n.mine(p.rec)
				n.later(n.cfg.HoldDown, func() { n.checkCopies(p.rec) })
			}
		}
		p.done(k)
	}
	hop := n.nextHop(p.rec.Resource)
	if hop.ID == n.self.ID {
		n.accept([]overlay.Record{p.rec}, func(copies int, e Error) { n.ended(p, copies, e, end) })
		return
	}
	n.route(hop, p.rec.Resource, Store{Records: []overlay.Record{p.rec}}, func(a answer) {
		switch b := a.body.(type) {
		case Stored:
			n.ended(p, int(b.Copies), Error{}, end)
		case Error:
			n.ended(p, 0, b, end)
		default:
			n.later(retry(a), func() { n.tryPut(p) })
		}
	})
}

// ended is told how the owner took a record.
func (n *Node) ended(p *putting, copies int, e Error, end func(Kept)) {
	switch e.Code {
	case 0:
		end(Kept{Copies: copies})
	case DataTooOld:
		newer, err := strconv.ParseUint(e.Info, 10, 64)
		if err != nil {
			n.counters.Bad++
		}
		end(Kept{Err: ErrTooOld, Newer: overlay.Version(newer)})
	case RequestTimeout, InProgress, TTLExceeded, NotFound:
		n.later(again, func() { n.tryPut(p) })
	default:
		end(Kept{Err: fmt.Errorf("%w: %s (%d)", ErrRefused, e.Info, e.Code)})
	}
}

// mine remembers a record of this node's user, to see to it that the ring keeps
// it as long as it lives.
func (n *Node) mine(r overlay.Record) {
	if n.keep(r) == older {
		return
	}
	i := slices.IndexFunc(n.own, func(o overlay.Record) bool { return o.Slot() == r.Slot() })
	switch {
	case i >= 0:
		n.own[i] = r
	case len(n.own) < maxOwn:
		n.own = append(n.own, r)
	}
}

// getting is a Get under way.
type getting struct {
	ev    Get
	until time.Time
	asked []overlay.ID // replicas that were asked
	found [][]overlay.Record
	open  int
	hops  int
	over  bool
}

func (n *Node) get(ev Get) {
	if !n.begin() {
		n.acts = append(n.acts, Got{Ref: ev.Ref, Err: ErrBusy})
		return
	}
	n.tryGet(&getting{ev: ev, until: n.now.Add(n.cfg.OpTimeout)})
}

// doubt is how long after a change of neighbours this node does not take its
// own word alone that there is nothing.
const doubt = 10 * time.Second

func (n *Node) tryGet(g *getting) {
	if g.over {
		return
	}
	if n.state != joined || !n.now.Before(g.until) {
		g.over = true
		n.wait(g.until, func() { g.over = false; n.tryGet(g) }, func(err error) {
			n.acts = append(n.acts, Got{Ref: g.ev.Ref, Err: err})
		})
		return
	}
	if !n.complete() {
		n.getAround(g)
		return
	}
	hop := n.nextHop(g.ev.Resource)
	if hop.ID == n.self.ID {
		held := n.shelf.resource(n.now, g.ev.Resource, g.ev.Kinds)
		if len(held) == 0 && n.standsIn() {
			n.later(again, func() { n.tryGet(g) })
			return
		}
		if len(held) == 0 && n.now.Sub(n.changedAt) < doubt && n.askReplica(g, func() { n.got(g) }) {
			return
		}
		g.found = append(g.found, held)
		n.got(g)
		return
	}
	n.route(hop, g.ev.Resource, Fetch{g.ev.Resource, g.ev.Kinds}, func(a answer) {
		if g.over {
			return
		}
		switch b := a.body.(type) {
		case Fetched:
			g.hops = len(a.path)
			g.found = append(g.found, b.Records)
			n.got(g)
		case Error:
			if b.Code == ResponseTooLarge || b.Code == Forbidden {
				n.end(g, Got{Err: fmt.Errorf("%w: %s (%d)", ErrRefused, b.Info, b.Code)})
				return
			}
			n.later(again, func() { n.tryGet(g) })
		default:
			// The owner is gone. What this node holds is as good as what any
			// other replica does.
			if held := n.shelf.resource(n.now, g.ev.Resource, g.ev.Kinds); len(held) > 0 {
				g.found = append(g.found, held)
				n.got(g)
				return
			}
			n.later(retry(a), func() { n.tryGet(g) })
		}
	})
	// A second node is asked when the first is slow: silence is noticed in half
	// a second only, and a caller should not wait that long.
	n.later(n.cfg.RequestTimeout/2, func() {
		if !g.over && n.complete() && n.state == joined {
			n.askReplica(g, func() {
				if len(g.found) > 0 {
					n.got(g)
				}
			})
		}
	})
}

// getAround asks several holders at once, where the ring is large and this node
// need not hold the record itself: the owner may be malicious, hold an old
// version, or be dead. The holders are not asked of the owner. They are those who
// are responsible for points a little behind the resource, each found by routing,
// and the newest version that any of them has is the answer.
func (n *Node) getAround(g *getting) {
	points := n.pointsBehind(g.ev.Resource)
	open, answers := len(points), 0
	answered := func(a answer) {
		open--
		if b, ok := a.body.(Fetched); ok && !g.over {
			answers++
			g.found = append(g.found, b.Records)
			if g.hops == 0 {
				g.hops = len(a.path)
			}
			if len(b.Records) > 0 && len(points) > 1 {
				n.later(n.cfg.RequestTimeout, func() { n.got(g) }) // enough of waiting for the others
			}
		}
		switch {
		case open > 0 || g.over:
		case answers > len(points)/2 || len(newest(g.found...)) > 0:
			n.got(g)
		default:
			n.later(again, func() { n.tryGet(g) })
		}
	}
	for i, p := range points {
		hop := n.nextHop(p)
		if hop.ID != n.self.ID {
			n.route(hop, p, Fetch{g.ev.Resource, g.ev.Kinds}, answered)
			continue
		}
		held := n.shelf.resource(n.now, g.ev.Resource, g.ev.Kinds)
		a := answer{from: n.self, body: Fetched{held}}
		if i == 0 && len(held) == 0 && n.standsIn() {
			a.body = Error{Code: InProgress}
		}
		answered(a)
	}
}

// reads is how many holders a Get asks in a large ring. Of a quarter of all nodes
// being malicious, one Get in a thousand meets nobody else.
const reads = 5

// pointsBehind are the resource and points evenly behind it, for which holders of
// its copies are responsible.
func (n *Node) pointsBehind(resource overlay.ID) []overlay.ID {
	points := []overlay.ID{resource}
	step := max(1, (n.cfg.Copies-4)/(reads-1)) // not the last copies: the distances vary
	for i := 1; i < reads && i*step < n.cfg.Copies-1; i++ {
		points = append(points, resource.Forward(float64(i*step)/float64(n.size())))
	}
	return points
}

// standsIn reports whether this node is responsible for more than its own arc
// while it is not known whether the node before it lives. That it holds nothing
// then says nothing, unless it should hold everything.
func (n *Node) standsIn() bool {
	if n.suspects == 0 || n.complete() {
		return false
	}
	p := n.predecessors(1)
	return len(p) > 0 && n.suspected(p[0].ID)
}

// askReplica fetches from one more node that should hold copies. It reports
// whether there was one.
func (n *Node) askReplica(g *getting, then func()) bool {
	succ := n.ring.succ
	if len(succ) == 0 {
		return false
	}
	start := slices.IndexFunc(succ, func(p overlay.Peer) bool { return g.ev.Resource.Between(n.self.ID, p.ID) || g.ev.Resource == p.ID })
	if n.responsible(g.ev.Resource) || start < 0 {
		start = 0
	} else {
		start++ // the owner itself was asked
	}
	for i := range succ {
		p := succ[(start+i)%len(succ)]
		if n.suspected(p.ID) || slices.Contains(g.asked, p.ID) {
			continue
		}
		g.asked = append(g.asked, p.ID)
		n.ask(p, Fetch{g.ev.Resource, g.ev.Kinds}, func(a answer) {
			if g.over {
				return
			}
			if b, ok := a.body.(Fetched); ok {
				g.hops = 1
				g.found = append(g.found, b.Records)
			}
			then()
		})
		return true
	}
	return false
}

func (n *Node) got(g *getting) {
	held := n.shelf.resource(n.now, g.ev.Resource, g.ev.Kinds)
	n.end(g, Got{Records: newest(append(g.found, held)...), Hops: g.hops})
}

func (n *Node) end(g *getting, a Got) {
	if g.over {
		return
	}
	g.over = true
	n.ops--
	a.Ref = g.ev.Ref
	n.acts = append(n.acts, a)
}

// fetched answers a Fetch.
func (n *Node) fetched(hop overlay.Peer, m Message, f Fetch) {
	records := n.shelf.resource(n.now, f.Resource, f.Kinds)
	if len(records) == 0 && n.standsIn() && m.To[0].Resource {
		n.reply(hop, m, Error{Code: InProgress, Info: "the owner is being asked whether it lives"})
		return
	}
	size := 0
	for _, r := range records {
		size += len(r.Value) + len(r.Key) + len(r.Sig) + 64
		if len(r.Chain) > 0 && r.Kind != overlay.OfficeMember { // there it is in the value
			size += len(r.Chain[0])
		}
	}
	if size > maxFetched {
		n.reply(hop, m, Error{Code: ResponseTooLarge, Info: "too many records at one place"})
		return
	}
	n.reply(hop, m, Fetched{Records: records})
}
