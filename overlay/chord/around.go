package chord

import (
	"slices"
	"time"

	"chordophone/overlay"
)

// In a large ring a node need not hold what it looks for, and whoever it asks may be
// malicious, hold an old version, or be dead. So it asks several holders. They are
// not asked of the owner: they are those who are responsible for points a little
// behind the resource, each found by routing. One is asked for the records, or
// none where they are held here, too; the others for versions only, which cost
// little. What enough of them agree on, while nobody knows anything newer, is the
// answer. Otherwise all holders are asked for the records, and the newest is the
// answer.

const (
	// voters is how many holders are asked first, enough how many of them have to
	// agree. Of a quarter of all nodes being malicious, one Get in 250 meets
	// nobody else, and few of those meet liars that agree.
	voters = 4
	enough = 3

	// careful is how long a node asks all holders at once after it has caught
	// one with an old version, or somebody who answered for a key far away.
	careful = 10 * time.Minute
)

// vote is what one holder says.
type vote struct {
	from overlay.ID
	held []Held
}

// election is one attempt of a getting to find holders that agree.
type election struct {
	*getting
	points  []overlay.ID // where holders are, the owner first
	votes   []vote
	open    int
	fetched int  // answers with records, or that there are none
	all     bool // it is past agreement: all are asked for records
}

// getAround looks a resource up in a large ring.
func (n *Node) getAround(g *getting) {
	e := &election{getting: g, points: n.pointsBehind(g.ev.Resource)}
	if held := n.shelf.heldAt(n.now, g.ev.Resource, g.ev.Kinds); len(held) > 0 {
		e.votes = append(e.votes, vote{n.self.ID, held})
	}
	if n.now.Before(n.carefulUntil) {
		n.fetchAll(e)
		return
	}
	mine := len(e.votes)
	for i := range min(voters, len(e.points)) {
		switch {
		case i == 0 && mine == 0:
			n.fetchFrom(e, e.points[i])
		case i < voters-mine:
			n.voteOf(e, e.points[i])
		}
	}
	n.later(hedge, func() { n.decide(e, true) })
	n.decide(e, false)
}

// voteOf asks who is responsible for a point for the versions there.
func (n *Node) voteOf(e *election, point overlay.ID) {
	hop := n.nextHop(point)
	if hop.ID == n.self.ID {
		n.cast(e, vote{n.self.ID, n.shelf.heldAt(n.now, e.ev.Resource, e.ev.Kinds)})
		return
	}
	one := overlay.ID{}.Plus(0)
	e.open++
	n.route(hop, point, Stat{After: one.Distance(e.ev.Resource), Upto: e.ev.Resource}, func(a answer) {
		e.open--
		if v, ok := a.body.(Versions); ok {
			n.cast(e, vote{a.from.ID, slices.DeleteFunc(v.Held, func(h Held) bool {
				return h.Resource != e.ev.Resource || !slices.Contains(e.ev.Kinds, h.Kind)
			})})
		}
		n.decide(e, false)
	})
}

// fetchFrom asks who is responsible for a point for the records.
func (n *Node) fetchFrom(e *election, point overlay.ID) {
	hop := n.nextHop(point)
	if hop.ID == n.self.ID {
		held := n.shelf.resource(n.now, e.ev.Resource, e.ev.Kinds)
		if len(held) > 0 || point != e.ev.Resource || !n.standsIn() {
			e.found = append(e.found, held)
			e.fetched++
			n.cast(e, vote{n.self.ID, heldIn(held)})
		}
		return
	}
	e.open++
	n.route(hop, point, Fetch{Resource: e.ev.Resource, Kinds: e.ev.Kinds}, func(a answer) {
		e.open--
		if b, ok := a.body.(Fetched); ok && !e.over {
			e.found = append(e.found, b.Records)
			e.fetched++
			if e.hops == 0 {
				e.hops = len(a.path)
			}
			n.cast(e, vote{a.from.ID, heldIn(b.Records)})
			if e.all && len(b.Records) > 0 {
				wait := 2 * hedge // enough of waiting for the others
				if n.now.Before(n.carefulUntil) {
					wait = n.cfg.RequestTimeout
				}
				n.later(wait, func() { n.got(e.getting) })
			}
		}
		n.decide(e, false)
	})
}

// heldIn names records as a Versions does.
func heldIn(records []overlay.Record) (out []Held) {
	for _, r := range records {
		out = append(out, HeldOf(r))
	}
	return out
}

// cast counts a vote, one for each holder.
func (n *Node) cast(e *election, v vote) {
	if !slices.ContainsFunc(e.votes, func(w vote) bool { return w.from == v.from }) {
		e.votes = append(e.votes, v)
	}
}

// decide ends an election when everybody has answered, or when late says that
// there was time enough.
func (n *Node) decide(e *election, late bool) {
	switch {
	case e.over:
	case e.all:
		if e.open > 0 {
			return
		}
		if 2*e.fetched > len(e.points) || len(newest(e.found...)) > 0 {
			n.got(e.getting)
			return
		}
		n.later(again, func() { n.tryGet(e.getting) })
	case e.open > 0 && !late:
	case n.agreed(e):
		n.got(e.getting)
	default:
		n.fetchAll(e)
	}
}

// agreed reports whether enough holders know the newest version of everything, and
// this node has it.
func (n *Node) agreed(e *election) bool {
	var top []Held
	for _, v := range e.votes {
		for _, h := range v.held {
			if i := slices.IndexFunc(top, func(t Held) bool { return t.Slot == h.Slot }); i < 0 {
				top = append(top, h)
			} else if h.Version > top[i].Version {
				top[i] = h
			}
		}
	}
	count := 0
	for _, v := range e.votes {
		same := 0
		for _, t := range top {
			i := slices.IndexFunc(v.held, func(h Held) bool { return h.Slot == t.Slot })
			switch {
			case i >= 0 && v.held[i] == t:
				same++
			case i >= 0 && v.held[i].Version < t.Version:
				n.carefulUntil = n.now.Add(careful)
			}
		}
		if same == len(top) {
			count++
		}
	}
	if len(top) == 0 {
		return false // that there is nothing is too easily said
	}
	have := heldIn(slices.Concat(e.found...))
	have = append(have, n.shelf.heldAt(n.now, e.ev.Resource, e.ev.Kinds)...)
	for _, t := range top {
		if !slices.Contains(have, t) {
			return false
		}
	}
	return count >= enough && count == len(e.votes)
}

// fetchAll asks all holders for the records.
func (n *Node) fetchAll(e *election) {
	e.all = true
	e.open++ // not before all are asked
	for _, p := range e.points {
		n.fetchFrom(e, p)
	}
	e.open--
	n.decide(e, false)
}

// pointsBehind are the resource and points behind it, for which holders of its
// copies are responsible: first those of the voters, then the others. Where this
// node knows all that follow the resource, they are the holders themselves.
func (n *Node) pointsBehind(resource overlay.ID) []overlay.ID {
	last := n.cfg.Copies - 3 // not the last copies: the distances vary
	step := max(1, last/voters)
	point := func(i int) overlay.ID { return resource.Forward(float64(i) / float64(n.size())) }
	if known := n.knownFrom(resource); len(known) > last {
		point = func(i int) overlay.ID { return known[i].ID }
	}
	points := []overlay.ID{resource}
	for i := 1; i < voters && i*step <= last; i++ {
		points = append(points, point(i*step))
	}
	for i := 1; i <= last; i++ {
		if i%step != 0 || i >= voters*step {
			points = append(points, point(i))
		}
	}
	return points
}

// knownFrom are the nodes at and behind a point, as far as this node's list goes
// without a gap: none when it does not begin before the point.
func (n *Node) knownFrom(point overlay.ID) []overlay.Peer {
	succ := n.ring.succ
	last := n.self.ID
	for i, p := range succ {
		if point == p.ID || point.Between(last, p.ID) {
			return succ[i:]
		}
		last = p.ID
	}
	return nil
}
