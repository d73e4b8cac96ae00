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
		replied(n.pong(b))
	case Stat:
		replied(n.versions(b))
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
	alone bool
	spare bool // it is stored around its owner, or will be
	over  bool
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
	if p.over {
		return
	}
	if p.user && (n.state != joined || !n.now.Before(p.until)) {
		n.wait(p.until, func() { n.tryPut(p) }, func(err error) { p.over = true; p.done(Kept{Err: err}) })
		return
	}
	if n.state != joined || !n.now.Before(p.until) {
		return
	}
	hop := n.nextHop(p.rec.Resource)
	if hop.ID == n.self.ID {
		n.accept([]overlay.Record{p.rec}, func(copies int, e Error) { n.ended(p, n.self.ID, copies, e) })
		return
	}
	answered := func(a answer) {
		switch b := a.body.(type) {
		case Stored:
			n.ended(p, hop.ID, int(b.Copies), Error{})
		case Error:
			n.ended(p, hop.ID, 0, b)
		default:
			n.later(retry(a), func() { n.tryPut(p) })
		}
	}
	records := []overlay.Record{p.rec}
	if !n.complete() {
		n.route(hop, p.rec.Resource, Store{Records: records}, answered)
		return
	}
	n.post(hop, true, parcel{records: records, alone: p.alone, done: answered}, 0)
	if p.user && !p.spare && n.everyoneKeepsAll() {
		p.spare = true
		n.later(slowOwner, func() { n.putAround(p, hop.ID) })
	}
}

// slowOwner is how long the owner of a record may take, whose disk and those of two
// others have to be waited for, until the record goes to the others directly.
const slowOwner = 300 * time.Millisecond

// putAround stores a record where everybody keeps everything, and its owner says
// nothing: at two of the nodes that follow the owner, or all where there are fewer; one
// of them takes its place if it is dead. With this node's own copy that is as safe as
// what an owner acknowledges, and the owner gets it, too, if it lives. The newest version is
// known here as well as there.
func (n *Node) putAround(p *putting, owner overlay.ID) {
	p.spare = false
	if p.over || n.state != joined || !n.everyoneKeepsAll() || !n.room(p.rec) {
		return
	}
	if e := n.shelf.get(p.rec.Slot()); e != nil && e.expires.After(n.now) && e.rec.Supersedes(p.rec) {
		return // the owner shall say so
	}
	const most = 4
	others := n.followers(owner)
	if len(others) == 0 {
		// It may live and pass the record on to one whom this node has cut off, and
		// whose answer does not count here. A copy stays there.
		others = n.ring.succ
	}
	enough := min(2, len(others)) // in an office of three there is but one
	confirmed, asked, open := 0, 0, 0
	for i, q := range others {
		if asked == most {
			return
		}
		if n.suspected(q.ID) {
			continue
		}
		asked++
		open++
		p.spare = true
		n.post(q, false, parcel{records: []overlay.Record{p.rec}, replica: uint8(min(i+1, 255)), done: func(a answer) {
			if open--; open == 0 {
				p.spare = false
			}
			if _, ok := a.body.(Stored); !ok {
				return
			}
			if confirmed++; confirmed == enough {
				n.ended(p, owner, enough+1, Error{})
			}
		}}, 0)
	}
}

// putBehind stores a record at the places of its copies in a large ring.
func (n *Node) putBehind(p *putting) {
	const enough = 2
	var confirmed []overlay.ID
	for i, point := range n.pointsBehind(p.rec.Resource) {
		hop := n.nextHop(point)
		if i == 0 || hop.ID == n.self.ID {
			continue
		}
		n.route(hop, point, Store{Replica: uint8(i), Records: []overlay.Record{p.rec}}, func(a answer) {
			if _, ok := a.body.(Stored); !ok || slices.Contains(confirmed, a.from.ID) {
				return
			}
			if confirmed = append(confirmed, a.from.ID); len(confirmed) == enough {
				n.ended(p, a.from.ID, enough+1, Error{})
			}
		})
	}
}

// followers are the other nodes from the one after id on, in the order of the
// circle, where the list goes round.
func (n *Node) followers(id overlay.ID) []overlay.Peer {
	succ := n.ring.succ
	i := slices.IndexFunc(succ, func(p overlay.Peer) bool { return p.ID == id })
	if i < 0 {
		return succ
	}
	return slices.Concat(succ[i+1:], succ[:i])
}

// endPut answers for a Put, once.
func (n *Node) endPut(p *putting, k Kept) {
	if p.over {
		return
	}
	p.over = true
	if p.user {
		n.ops--
		if k.Err == nil {
			n.keep(p.rec) // before it is promised
			n.later(2*copyDelay, func() { n.afterPut(p.rec.Slot(), p.rec.Version) })
		}
	}
	p.done(k)
}

// ended is told how the owner took a record. It may be malicious: when it refuses, those
// are asked that hold copies of it.
func (n *Node) ended(p *putting, owner overlay.ID, copies int, e Error) {
	switch e.Code {
	case 0:
		n.endPut(p, Kept{Copies: copies})
	case DataTooOld:
		newer, err := strconv.ParseUint(e.Info, 10, 64)
		if err != nil {
			n.counters.Bad++
		}
		n.endPut(p, Kept{Err: ErrTooOld, Newer: overlay.Version(newer)})
	case RequestTimeout, InProgress, TTLExceeded, NotFound:
		p.alone = true
		n.later(again, func() { n.tryPut(p) })
	default:
		refused := func() { n.endPut(p, Kept{Err: fmt.Errorf("%w: %s (%d)", ErrRefused, e.Info, e.Code)}) }
		switch {
		case !p.user || owner == n.self.ID || e.Code == DataTooLarge:
			refused()
			return
		case n.everyoneKeepsAll():
			if !p.spare {
				n.putAround(p, owner)
			}
		default:
			n.putBehind(p)
		}
		n.later(n.cfg.RequestTimeout, refused)
	}
}
