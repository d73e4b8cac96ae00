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
	in         bool
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
	mutant string
}

func (e explorer) ring(w *world, i byte) *ring {
	g := &ring{self: id(i), r: e.r, pred: peer(w[i].pred), cand: peer(w[i].cand)}
	for _, s := range w[i].succ[:e.r] {
		if s != none {
			g.succ = append(g.succ, peer(s))
		}
	}
	return g
}

func (e explorer) with(w world, i byte, g *ring) world {
	c := cell{in: true, succ: [3]byte{none, none, none}, pred: number(g.pred), cand: number(g.cand)}
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
					g.join(peer(m), mr.succ, mr.pred)
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
				ask := g.successorAnswered(peer(s), sr.succ, sr.pred)
				if ask && e.mutant == "adopt unasked" {
					g.set(append([]overlay.Peer{g.cand}, g.succ...), false)
					g.cand = overlay.Peer{}
				}
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
			if w[c].in {
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
	for len(todo) > 0 {
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

func TestExplore(t *testing.T) {
	ids := 4
	if os.Getenv("CHORD_EXPLORE") == "5" { // minutes
		ids = 5
	}
	full, transitions, bad1, bad2 := explorer{ids: ids, r: 2}.explore(1 << 24)
	t.Logf("%d ids: %d states, %d transitions", ids, full, transitions)
	if bad1 > 0 || bad2 > 0 {
		t.Errorf("%d states break I1, %d break I2", bad1, bad2)
	}
	for _, m := range []string{"adopt unasked", "pad with self", "no liveness check"} {
		states, _, bad1, bad2 := explorer{ids: ids, r: 2, mutant: m}.explore(1 << 24)
		t.Logf("%s: %d states, %d break I1, %d break I2", m, states, bad1, bad2)
	}
}
