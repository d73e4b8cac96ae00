// Package audit looks at a live ring from one of its nodes: it walks all the way
// round and compares what every node holds with what it should hold.
//
//	┌──▶ A ──▶ B ──▶ C ──┐   each successor's predecessor is the node before,
//	└────────────────────┘   the walk ends where it began
//
//	records of the arc (A, B]:  B owns them; C, D ... hold the same, octet for octet
//
// What a replica lacks is given to it, and said.
package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// Ring is what an audit needs of a node.
type Ring interface {
	View() chord.View
	Ask(ctx context.Context, to overlay.Peer, body chord.Body) (chord.Body, error)
}

// MaxNodes bounds a walk.
const MaxNodes = 4096

// ErrNotJoined means that this node is in no ring.
var ErrNotJoined = errors.New("audit: this phone has not joined the ring yet; try again in a few seconds")

// Report is what an audit found.
type Report struct {
	Nodes    []overlay.Peer `json:"nodes"`   // in the order of the ring, the auditing node first
	Closed   bool           `json:"closed"`  // the walk came back to where it began, in order
	Records  int            `json:"records"` // different ones
	Copies   int            `json:"copies"`  // of them on all nodes that should have one
	Lacking  int            `json:"lacking"` // copies that were missing or old
	Repaired int            `json:"repaired"`
	Problems []string       `json:"problems,omitempty"`
}

// Good reports whether nothing was wrong.
func (r Report) Good() bool { return r.Closed && r.Lacking == r.Repaired && len(r.Problems) == 0 }

// Run walks the ring and compares copies. replicas says how many nodes after the
// owner should hold copies in a ring of so many.
func Run(ctx context.Context, ring Ring, replicas func(nodes int) int) (Report, error) {
	a := &auditor{ring: ring}
	view := ring.View()
	if !view.Joined {
		return a.Report, ErrNotJoined
	}
	if err := a.walk(ctx, view.Self); err != nil {
		return a.Report, err
	}
	n := len(a.Nodes)
	for i, owner := range a.Nodes {
		before := a.Nodes[(i+n-1)%n]
		var holders []overlay.Peer
		for k := range min(n-1, replicas(n)) {
			holders = append(holders, a.Nodes[(i+1+k)%n])
		}
		a.compare(ctx, before.ID, owner, holders)
		if ctx.Err() != nil {
			return a.Report, ctx.Err()
		}
	}
	return a.Report, nil
}

type auditor struct {
	Report
	ring Ring
}

func (a *auditor) problem(format string, args ...any) {
	a.Problems = append(a.Problems, fmt.Sprintf(format, args...))
}

// walk follows the successors once round.
func (a *auditor) walk(ctx context.Context, self overlay.Peer) error {
	at := self
	for len(a.Nodes) < MaxNodes {
		a.Nodes = append(a.Nodes, at)
		body, err := a.ring.Ask(ctx, at, chord.Ping{})
		if err != nil {
			a.problem("%v does not answer", at)
			return ctx.Err()
		}
		pong, ok := body.(chord.Pong)
		if !ok {
			return fmt.Errorf("audit: %v answers with a %T", at, body)
		}
		if n := len(a.Nodes); n > 1 && (len(pong.Table.Pred) == 0 || pong.Table.Pred[0].ID != a.Nodes[n-2].ID) {
			a.problem("the predecessor of %v should be %v", at, a.Nodes[n-2])
		}
		if len(pong.Table.Succ) == 0 {
			a.Closed = len(a.Nodes) == 1
			return nil
		}
		next := pong.Table.Succ[0]
		if next.ID == self.ID {
			a.Closed = true
			return nil
		}
		if !next.ID.Between(at.ID, self.ID) {
			a.problem("%v, which follows %v, lies beyond the beginning", next, at)
			return nil
		}
		at = next
	}
	a.problem("more than %d nodes", MaxNodes)
	return nil
}

// compare holds the records of one arc at their owner against the other holders.
func (a *auditor) compare(ctx context.Context, after overlay.ID, owner overlay.Peer, holders []overlay.Peer) {
	owned, err := a.held(ctx, owner, after, owner.ID)
	if err != nil {
		a.problem("%v does not say what it holds", owner)
		return
	}
	a.Records += len(owned)
	a.Copies += len(owned)
	for _, h := range holders {
		copied, err := a.held(ctx, h, after, owner.ID)
		if err != nil {
			a.problem("%v does not say what it holds", h)
			continue
		}
		for _, want := range owned {
			switch have, ok := copied[want.Slot]; {
			case ok && (have.Version > want.Version || have == want): // newer: the owner will learn it
				a.Copies++
			default:
				a.Lacking++
				a.repair(ctx, owner, h, want)
			}
		}
	}
}

// held is what a node holds of an arc.
func (a *auditor) held(ctx context.Context, p overlay.Peer, after, upto overlay.ID) (map[overlay.Slot]chord.Held, error) {
	out := make(map[overlay.Slot]chord.Held)
	for {
		body, err := a.ring.Ask(ctx, p, chord.Stat{After: after, Upto: upto})
		if err != nil {
			return nil, err
		}
		v, ok := body.(chord.Versions)
		if !ok {
			return nil, fmt.Errorf("audit: %v answers with a %T", p, body)
		}
		for _, h := range v.Held {
			out[h.Slot] = h
		}
		if !chord.Truncated(v.Held) {
			return out, nil
		}
		next := v.Held[len(v.Held)-1].Resource
		if next == upto || next == after {
			return out, nil
		}
		after = next
	}
}

// repair copies one record from its owner to a holder that lacks it. Of two
// different ones of the same version one stands everywhere (overlay.Record); when
// it is the holder's, the owner gets that.
func (a *auditor) repair(ctx context.Context, owner, holder overlay.Peer, want chord.Held) {
	r, ok := a.fetch(ctx, owner, want.Slot)
	if !ok {
		return
	}
	to := holder
	if other, ok := a.fetch(ctx, holder, want.Slot); ok && other.Supersedes(r) {
		r, to = other, owner
	}
	body, err := a.ring.Ask(ctx, to, chord.Store{Replica: 1, Records: []overlay.Record{r}})
	if _, ok := body.(chord.Stored); err == nil && ok {
		a.Repaired++
		a.Copies++
	}
}

// fetch gets what a node holds in a slot.
func (a *auditor) fetch(ctx context.Context, p overlay.Peer, slot overlay.Slot) (overlay.Record, bool) {
	body, err := a.ring.Ask(ctx, p, chord.Fetch{Resource: slot.Resource, Kinds: []overlay.Kind{slot.Kind}})
	fetched, ok := body.(chord.Fetched)
	if err != nil || !ok {
		return overlay.Record{}, false
	}
	i := slices.IndexFunc(fetched.Records, func(r overlay.Record) bool { return r.Slot() == slot })
	if i < 0 {
		return overlay.Record{}, false
	}
	return fetched.Records[i], true
}
