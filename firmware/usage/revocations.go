package usage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/identity"
)

// lookForRevocations is how often a phone looks whether somebody was revoked. In a
// small office it asks nobody: it holds the records itself.
const lookForRevocations = 5 * time.Second

// Judge is what Revocations needs of overlay/identity.
type Judge interface {
	ID() overlay.ID
	Judge(records []overlay.Record) []identity.Revocation
	Refuse([]identity.Revocation)
}

// Revocations carries out what the REVOCATION records in the ring say.
type Revocations struct {
	ring    Ring
	writer  *Writer
	members *Members
	self    Judge
	cut     func(nodes ...overlay.ID) // ends connections and bars new ones
	log     *slog.Logger

	mu   sync.Mutex // guards what follows
	hold []identity.Revocation
}

// NewRevocations begins with the records that were on this phone's disk, so that
// nobody slips in before the ring is joined.
func NewRevocations(ring Ring, writer *Writer, members *Members, self Judge, cut func(...overlay.ID), onDisk []overlay.Record, log *slog.Logger) *Revocations {
	r := &Revocations{ring: ring, writer: writer, members: members, self: self, cut: cut, log: log}
	r.apply(onDisk)
	return r
}

// Run looks for new revocations until ctx is cancelled.
func (r *Revocations) Run(ctx context.Context) error {
	again := time.NewTicker(lookForRevocations)
	defer again.Stop()
	for {
		if err := r.look(ctx); err != nil && ctx.Err() == nil {
			r.log.Debug("revocations not read", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

func (r *Revocations) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookForRevocations)
	defer cancel()
	records, _, err := r.ring.Get(ctx, identity.RevocationsResource, overlay.Revocation)
	if err != nil {
		return err
	}
	r.apply(records)
	return nil
}

// apply bars whom the records revoke. What held before goes on to hold: a ring
// that lost records does not let anybody back in.
func (r *Revocations) apply(records []overlay.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	judged := r.self.Judge(records)
	for _, old := range r.hold {
		if !slices.ContainsFunc(judged, func(n identity.Revocation) bool { return n.Node == old.Node }) {
			judged = append(judged, old)
		}
	}
	same := func(a, b identity.Revocation) bool { return a.Node == b.Node && slices.Equal(a.Spared, b.Spared) }
	slices.SortFunc(judged, func(a, b identity.Revocation) int { return a.Node.Compare(b.Node) })
	if slices.EqualFunc(judged, r.hold, same) {
		return
	}
	r.hold = judged
	r.self.Refuse(judged)
	var nodes []overlay.ID
	for _, one := range judged {
		nodes = append(nodes, one.Node)
		r.log.Warn("phone is revoked", "node", one.Node, "self", one.Node == r.self.ID())
	}
	r.cut(nodes...)
	r.members.changes.Doubt(overlay.OfficeMember) // they are telephones of the office no longer
}

// Has reports whether a node was revoked.
func (r *Revocations) Has(node overlay.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.hold, func(one identity.Revocation) bool { return one.Node == node })
}

// ErrNoMember means that no phone with that Node-ID was enrolled.
var ErrNoMember = errors.New("no phone of this office has that Node-ID")

// Revoke bars a member from the office for ever. Those that it enrolled until now
// stay members.
func (r *Revocations) Revoke(ctx context.Context, node overlay.ID) error {
	list, err := r.members.List(ctx)
	if err != nil {
		return err
	}
	one := identity.Revocation{Node: node}
	known := false
	for _, m := range list {
		if m.Node == node {
			known = true
		} else {
			one.Spared = append(one.Spared, m.Node)
		}
	}
	if !known {
		return fmt.Errorf("revoke %s: %w", node.Short(), ErrNoMember)
	}
	record, err := one.Record(r.self.ID())
	if err != nil {
		return err
	}
	record.Lifetime = memberLife
	if _, err := r.writer.Put(ctx, record); err != nil {
		return err
	}
	return r.look(ctx)
}
