package chord

import (
	"os"
	"testing"

	"chordophone/overlay"
)

// The explorer goes through every state that a small ring can get into, by every
// order of joins, failures and maintenance, and looks at Zave's invariant in
// each. It runs the operations of the type ring, the same that Node runs.
//
// I1: every member has a living member in its list.
// I2: there are at least r+1 principals: members that no member's list skips.
//
// From these two follows that there is exactly one ring, that it is ordered, and
// that every member reaches it. Failures that by themselves break I1 or I2 are
// outside the operating assumption and are not taken.

const (
	maxIDs = 5
	none   = 0xFF
)

// cell is one node in a state: succ, padded with none; pred; cand.
type cell struct {
	in, closed bool
	succ       [3]byte
	pred, cand byte
}

type world [maxIDs]cell

func id(b byte) (x overlay.ID) { x[0] = b + 1; return x } // never zero

func peer(b byte) overlay.Peer {
	if b == none {
		return overlay.Peer{}
	}
	return overlay.Peer{ID: id(b)}
}

func number(p overlay.Peer) byte { return p.ID[0] - 1 } // of the zero Peer: none

type explorer struct {
	ids, r int
	plain  bool // Zave's operations only
	mutant string
	first  bool // stop at the first broken state
}

func (e explorer) ring(w *world, i byte) *ring {
	g := &ring{self: id(i), r: e.r, pred: peer(w[i].pred), cand: peer(w[i].cand), closed: w[i].closed}
	for _, s := range w[i].succ[:e.r] {
		if s != none {
			g.succ = append(g.succ, peer(s))
		}
	}
	return g
}

func (e explorer) with(w world, i byte, g *ring) world {
	c := cell{in: true, closed: g.closed, succ: [3]byte{none, none, none}, pred: number(g.pred), cand: number(g.cand)}
	for k, p := range g.succ {
		c.succ[k] = number(p)
	}
	w[i] = c
	return w
}

// invariant counts principals, and says whether I1 holds.
func (e explorer) invariant(w *world) (principals int, i1 bool) {
	i1 = true
	for p := range byte(e.ids) {
		if !w[p].in {
			continue
		}
		skipped := false
		for m := range byte(e.ids) {
			if !w[m].in {
				continue
			}
			last := m
			for _, s := range w[m].succ[:e.r] {
				if s == none || s == m {
					break
				}
				if id(p).Between(id(last), id(s)) && p != m {
					skipped = true
				}
				last = s
			}
		}
		if !skipped {
			principals++
		}
		lives := false
		for _, s := range w[p].succ[:e.r] {
			lives = lives || s != none && s != p && w[s].in
		}
		i1 = i1 && lives
	}
	return principals, i1
}

// next calls do for every state one event away.
func (e explorer) next(w world, do func(what string, next world)) {
	for n := range byte(e.ids) {
		if !w[n].in {
			for m := range byte(e.ids) {
				if !w[m].in {
					continue
				}
				g := &ring{self: id(n), r: e.r}
				mr := e.ring(&w, m)
				if g.mayJoin(id(m), mr.succ) {
					g.join(peer(m), mr.succ)
					do("join", e.with(w, n, g))
				}
			}
			continue
		}
		// FAIL, within the operating assumption.
		f := w
		f[n] = cell{}
		if p, i1 := e.invariant(&f); i1 && p >= e.r+1 {
			do("fail", f)
		}
		// STABILIZE_FROM_SUCCESSOR
		if g := e.ring(&w, n); g.cand.ID.IsZero() && len(g.succ) > 0 {
			s := number(g.succ[0])
			if w[s].in && s != n {
				sr := e.ring(&w, s)
				g.successorAnswered(peer(s), sr.succ, sr.pred)
			} else {
				g.successorDead()
				if e.mutant == "pad with self" {
					g.succ = append(g.succ[:len(g.succ):len(g.succ)], peer(n))
				}
			}
			do("stabilize", e.with(w, n, g))
		}
		// STABILIZE_FROM_PREDECESSOR
		if g := e.ring(&w, n); !g.cand.ID.IsZero() {
			c := number(g.cand)
			if e.mutant == "adopt unasked" {
				g.set(append([]overlay.Peer{g.cand}, g.succ...), false)
				g.cand = overlay.Peer{}
			} else if w[c].in {
				g.candidateAnswered(peer(c), e.ring(&w, c).succ)
			} else {
				g.candidateDead()
			}
			do("candidate", e.with(w, n, g))
		}
		for x := range byte(e.ids) {
			if x == n {
				continue
			}
			// RECTIFY, on the word of any member that it lives, not only of one
			// whose successor this is.
			if w[x].in {
				g := e.ring(&w, n)
				if g.rectify(peer(x)) && !w[number(g.pred)].in && e.mutant != "no liveness check" {
					g.predecessorDead(peer(x))
				}
				do("rectify", e.with(w, n, g))
			}
			if e.plain {
				continue
			}
			// insert and remove: what a node does besides Zave's rules.
			g := e.ring(&w, n)
			if w[x].in {
				g.insert(peer(x))
			} else {
				g.remove(id(x))
			}
			do("insert/remove", e.with(w, n, g))
			// MERGE_PROBE that ended at any member.
			if w[x].in {
				g := e.ring(&w, n)
				g.merge(peer(x), e.ring(&w, x).succ)
				do("merge", e.with(w, n, g))
			}
		}
	}
}

// ideal is the perfect ring of the members in the set.
func (e explorer) ideal(set int) (w world, size int) {
	var members []byte
	for i := range byte(e.ids) {
		if set>>i&1 == 1 {
			members = append(members, i)
		}
	}
	for k, m := range members {
		g := &ring{self: id(m), r: e.r, pred: peer(members[(k+len(members)-1)%len(members)])}
		var list []overlay.Peer
		for d := range len(members) {
			list = append(list, peer(members[(k+1+d)%len(members)]))
		}
		g.set(list, false)
		w = e.with(w, m, g)
	}
	return w, len(members)
}

// explore returns how many states can be reached and how many break I1 and I2.
// It does not go on from a broken state.
func (e explorer) explore(limit int) (states, transitions, bad1, bad2 int) {
	seen := make(map[world]bool)
	var todo []world
	visit := func(w world) {
		if seen[w] || len(seen) >= limit {
			return
		}
		seen[w] = true
		p, i1 := e.invariant(&w)
		switch {
		case !i1:
			bad1++
		case p < e.r+1:
			bad2++
		default:
			todo = append(todo, w)
		}
	}
	for set := range 1 << e.ids {
		if w, size := e.ideal(set); size >= e.r+1 {
			visit(w)
		}
	}
	for len(todo) > 0 && !(e.first && bad1+bad2 > 0) {
		w := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		e.next(w, func(what string, next world) {
			if next != w {
				transitions++
				visit(next)
			}
		})
	}
	return len(seen), transitions, bad1, bad2
}

// TestExplore is complete for four identifiers. CHORD_EXPLORE=5 does five, with
// Zave's operations only: 7.3 million states, some minutes.
func TestExplore(t *testing.T) {
	e := explorer{ids: 4, r: 2}
	if os.Getenv("CHORD_EXPLORE") == "5" {
		e = explorer{ids: 5, r: 2, plain: true}
	}
	states, transitions, bad1, bad2 := e.explore(1 << 24)
	t.Logf("%d identifiers: %d states, %d transitions", e.ids, states, transitions)
	if states == 1<<24 {
		t.Error("not all states were visited")
	}
	if bad1 > 0 || bad2 > 0 {
		t.Errorf("%d states break I1, %d break I2", bad1, bad2)
	}
}

// TestExploreMutants plants the bugs that earlier versions of Chord had, or that
// come to mind when its rules look too complicated. The explorer has to notice
// each of them.
func TestExploreMutants(t *testing.T) {
	const all = 1 << 24
	good, _, _, _ := explorer{ids: 4, r: 2, plain: true}.explore(all)
	for _, tt := range []struct {
		explorer
		noticed func(states, bad1, bad2 int) bool
	}{
		{explorer{ids: 5, r: 2, mutant: "adopt unasked", first: true},
			func(_, bad1, _ int) bool { return bad1 > 0 }},
		{explorer{ids: 4, r: 2, mutant: "pad with self", first: true},
			func(_, _, bad2 int) bool { return bad2 > 0 }},
		// Safe, but dead predecessors never go.
		{explorer{ids: 4, r: 2, mutant: "no liveness check"},
			func(states, _, _ int) bool { return states < good/2 }},
	} {
		e := tt.explorer
		e.plain = true
		states, _, bad1, bad2 := e.explore(all)
		t.Logf("%s: %d states, %d break I1, %d break I2", e.mutant, states, bad1, bad2)
		if !tt.noticed(states, bad1, bad2) {
			t.Errorf("the explorer did not notice %q", e.mutant)
		}
	}
}
