package usage

import (
	"context"
	"errors"
	"fmt"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// A telephone that takes the place of a dead one has its extension, and all that is
// kept under that; but it has another key. What waits for it was sealed to the old one:
// those who took it seal it anew.

// follow seals anew what this phone took for telephones that others have replaced.
func (x *Mailbox) follow(ctx context.Context) error {
	for _, ext := range x.members.extensions() {
		node := x.members.Node(ext)
		if x.sealedTo[ext] == node {
			continue
		}
		if err := x.reseal(ctx, ext); err != nil {
			return err
		}
		x.sealedTo[ext] = node
	}
	return nil
}

// reseal does so for one extension.
func (x *Mailbox) reseal(ctx context.Context, ext string) error {
	user := ext + "@" + x.accounts.office
	records, err := x.get(ctx, user)
	if err != nil {
		return err
	}
	to := x.members.telephone(ext)
	if to.node.IsZero() {
		return nil
	}
	for _, r := range records {
		old, err := parseSealed(r.Value)
		if err != nil || r.Owner != x.members.self.ID() || old.to == to.node {
			continue
		}
		fresh, err := old.resealed(x.self, to.node, to.chain, mailboxInfo(r))
		if err != nil {
			continue // nobody's fault that can be mended: it stays as it is
		}
		if r.Value, err = fresh.append(nil); err != nil {
			return fmt.Errorf("seal message for %s anew: %w", user, err)
		}
		// The next version: the message keeps its place, and whoever has removed it
		// meanwhile prevails.
		if _, err := x.writer.take(ctx, &r, r.Version); err != nil && !errors.Is(err, chord.ErrTooOld) {
			return fmt.Errorf("seal message for %s anew: %w", user, err)
		}
		x.changes.Tell(r.Kind, r.Resource)
	}
	return nil
}

// Heir has lost called, by Changes.Run, with the number of messages for this telephone
// that nobody can read any more, once they are removed: they were sealed to the one
// whose place it took, by phones that are gone, too. It is called before Changes.Run.
func (x *Mailbox) Heir(gone func(node overlay.ID) bool, lost func(n int)) {
	x.gone, x.lost = gone, lost
}

// bury removes them from what this telephone cannot read.
func (x *Mailbox) bury(ctx context.Context, unreadable []overlay.Record) error {
	n := 0
	for _, r := range unreadable {
		if old, err := parseSealed(r.Value); err == nil && old.to != x.members.self.ID() && !x.gone(r.Owner) {
			continue // who took it will seal it anew
		}
		r.Value, r.Removed, r.Lifetime = nil, true, mailboxLife+tombstoneLife
		_, err := x.writer.take(ctx, &r, r.Version)
		switch {
		case errors.Is(err, chord.ErrTooOld): // it was sealed anew just now
		case err != nil:
			return fmt.Errorf("remove message for %s: %w", x.members.self.User(), err)
		default:
			n++
			x.changes.Tell(r.Kind, r.Resource)
		}
	}
	if n > 0 {
		x.lost(n)
	}
	return nil
}

// divide tells this telephone's own messages that it can read from the others.
func (x *Mailbox) divide(own []overlay.Record) (readable, unreadable []overlay.Record) {
	for _, r := range own {
		if _, err := x.open(x.members.self.User(), r); err == nil {
			readable = append(readable, r)
		} else {
			unreadable = append(unreadable, r)
		}
	}
	return readable, unreadable
}
