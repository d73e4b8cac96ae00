package chord

import (
	"fmt"
	"slices"
	"time"

	"chordophone/overlay"
)

// getting is a Get under way.
type getting struct {
	ev      Get
	until   time.Time
	hedging bool
	asked   []overlay.ID // replicas that were asked
	found   [][]overlay.Record
	hops    int
	over    bool
}

func (n *Node) get(ev Get) {
	if !n.begin() {
		n.acts = append(n.acts, Got{Ref: ev.Ref, Err: ErrBusy})
		return
	}
	n.tryGet(&getting{ev: ev, until: n.now.Add(n.cfg.OpTimeout)})
}

// Held is what Get would answer at now without asking another node. It reports false
// where Get would ask.
func (n *Node) Held(now time.Time, resource overlay.ID, kinds []overlay.Kind) ([]overlay.Record, bool) {
	if n.state != joined || !n.everyoneKeepsAll() || !n.responsible(resource) {
		return nil, false
	}
	records := n.shelf.resource(now, resource, kinds)
	if len(records) == 0 && now.Sub(n.changedAt) < doubt {
		return nil, false
	}
	return newest(records), true
}

// doubt is how long after a change of neighbours this node does not take its
// own word alone that there is nothing.
const doubt = 10 * time.Second

// hedge is how long a node may take for an answer until another is asked as well.
// On a local network it takes a thousandth of that; silence is a sign of death, but
// a caller should not wait until that is certain.
const hedge = 150 * time.Millisecond

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
	if !n.everyoneKeepsAll() {
		n.getAround(g)
		return
	}
	hop := n.nextHop(g.ev.Resource)
	if hop.ID == n.self.ID {
		n.gotOrNothing(g)
		return
	}
	// What this node holds is as good as what any other does, but the owner hears
	// of a new version first.
	n.route(hop, g.ev.Resource, Fetch{Resource: g.ev.Resource, Kinds: g.ev.Kinds, Seen: n.seen(g)}, func(a answer) {
		if g.over {
			return
		}
		switch b := a.body.(type) {
		case Fetched:
			g.hops = len(a.path)
			g.found = append(g.found, b.Records)
			g.asked = append(g.asked, a.from.ID)
			n.gotOrNothing(g)
		case Error:
			if b.Code == ResponseTooLarge || b.Code == Forbidden {
				if len(n.heldOf(g)) > 0 { // whatever ails the owner
					n.got(g)
					return
				}
				n.end(g, Got{Err: fmt.Errorf("%w: %s (%d)", ErrRefused, b.Info, b.Code)})
				return
			}
			n.later(again, func() { n.tryGet(g) })
		default:
			if len(n.heldOf(g)) > 0 {
				n.got(g)
				return
			}
			n.later(retry(a), func() { n.tryGet(g) })
		}
	})
	if !g.hedging {
		g.hedging = true
		n.hedge(g)
	}
}

// hedge asks one more node, and again one more, as long as none answers, or the owner
// with nothing but errors.
func (n *Node) hedge(g *getting) {
	n.later(hedge, func() {
		if g.over || n.state != joined || !n.everyoneKeepsAll() {
			return
		}
		if n.askReplica(g, func() {
			if len(g.found) > 0 {
				n.got(g)
			}
		}) {
			n.hedge(g)
		}
	})
}

// gotOrNothing ends a Get with what was found. That there is nothing is not the word of
// one alone just after a change: the owner may have died when two others had its record,
// and the next node was not one of them. Then all are asked who had theirs at once.
func (n *Node) gotOrNothing(g *getting) {
	nothing := func() bool {
		return len(n.heldOf(g)) == 0 && !slices.ContainsFunc(g.found, func(r []overlay.Record) bool { return len(r) > 0 })
	}
	if !nothing() || n.now.Sub(n.changedAt) >= doubt {
		n.got(g)
		return
	}
	open := 0
	answered := func() {
		if open--; open == 0 || !nothing() {
			n.got(g)
		}
	}
	for open < n.cfg.Copies-1 && n.askReplica(g, answered) {
		open++
	}
	if open == 0 {
		n.got(g)
	}
}

// heldOf is what this node itself holds of what is looked for.
func (n *Node) heldOf(g *getting) []overlay.Record {
	return n.shelf.resource(n.now, g.ev.Resource, g.ev.Kinds)
}

// seen is the digest of that.
func (n *Node) seen(g *getting) uint64 {
	if held := n.shelf.heldAt(n.now, g.ev.Resource, g.ev.Kinds); len(held) > 0 {
		return digest(held)
	}
	return 0
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
		n.ask(p, Fetch{Resource: g.ev.Resource, Kinds: g.ev.Kinds, Seen: n.seen(g)}, func(a answer) {
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
	if f.Seen != 0 && f.Seen == digest(n.shelf.heldAt(n.now, f.Resource, f.Kinds)) {
		n.reply(hop, m, Fetched{Same: true})
		return
	}
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
