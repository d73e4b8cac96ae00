package dht

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"chordophone/overlay"
	"chordophone/overlay/identity"
)

// officeName is the name of the office that is measured.
const officeName = "bench"

// enrolCode is what every newcomer knows.
const enrolCode = "271828"

// foundOffice makes an office, enrols a phone for each directory and saves its
// identity there. The first is the founder.
func foundOffice(ctx context.Context, dirs []string) ([]overlay.ID, error) {
	founder, err := identity.Found(officeName, identity.FirstExtension)
	if err != nil {
		return nil, err
	}
	ids := make([]overlay.ID, len(dirs))
	for i, dir := range dirs {
		member := founder
		if i > 0 {
			if member, err = enrol(ctx, founder, identity.FirstExtension+i); err != nil {
				return nil, fmt.Errorf("enrol phone %d: %w", i, err)
			}
		}
		if err := member.Save(dir); err != nil {
			return nil, err
		}
		ids[i] = member.ID()
	}
	return ids, nil
}

// enrol takes a newcomer in, over a connection in memory.
func enrol(ctx context.Context, founder *identity.Identity, ext int) (*identity.Identity, error) {
	// An enroller each: one of them slows a crowd of newcomers down.
	e := identity.NewEnroller(founder, func(_ context.Context, n identity.Newcomer) (int, error) {
		_, err := n.Issue(ext)
		return ext, err
	}, slog.New(slog.DiscardHandler))
	if err := e.Open(enrolCode, 0); err != nil {
		return nil, err
	}
	inside, outside := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- e.Serve(ctx, tls.Server(inside, founder.ServerTLS())) }()
	member, _, err := identity.EnrolOver(ctx, outside, enrolCode, ext)
	if e := <-served; err != nil {
		return nil, errors.Join(err, e)
	}
	return member, nil
}
