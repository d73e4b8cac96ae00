package update

import (
	"context"
	"net"

	"chordophone/firmware/update/release"
	"chordophone/overlay"
)

// Serve hands the release that runs to another phone, on a connection that it has made
// with the protocol fetch.ALPN and that has proved to be the member peer's. It closes the connection.
func (u *Updater) Serve(ctx context.Context, conn net.Conn, peer overlay.ID) error {
	return u.server.Serve(ctx, conn, peer)
}

// shelf is what other phones can have: the release that runs and was found good.
type shelf struct{ u *Updater }

func (s shelf) get(id release.ID) (*release.Signed, int) {
	s.u.mu.Lock()
	defer s.u.mu.Unlock()
	if s.u.kept == nil || s.u.kept.ID() != id {
		return nil, 0
	}
	return s.u.kept, s.u.machine.Running()
}

func (s shelf) Head(id release.ID) []byte {
	if kept, _ := s.get(id); kept != nil {
		return kept.Head()
	}
	return nil
}

func (s shelf) Chunk(id release.ID, i int) []byte {
	kept, running := s.get(id)
	if kept == nil || i >= len(kept.Chunks) {
		return nil
	}
	chunk, err := s.u.cfg.Card.Slots.ReadChunk(running, &kept.Manifest, i)
	if err != nil || !kept.IsChunk(i, chunk) {
		s.u.cfg.Log.Error("the slot that runs cannot be read", "chunk", i, "err", err)
		return nil
	}
	return chunk
}
