package usage

import (
	"context"

	"chordophone/overlay"
	"chordophone/overlay/identity"
)

// Releases is what the phones say of the releases that they run.
type Releases struct {
	ring   Ring
	writer *Writer
	self   overlay.ID
}

// NewReleases is for the phone self.
func NewReleases(ring Ring, writer *Writer, self overlay.ID) *Releases {
	return &Releases{ring, writer, self}
}

// Announce stores what this phone says, until it says something else.
func (r *Releases) Announce(ctx context.Context, value []byte) error {
	_, err := r.writer.Put(ctx, overlay.Record{
		Resource: identity.ReleasesResource, Kind: overlay.Release, Key: r.self[:],
		Lifetime: memberLife, Value: value,
	})
	return err
}

// Notices reads what all say. Each record is its key's own, which its signature has
// proved.
func (r *Releases) Notices(ctx context.Context) ([]overlay.Record, error) {
	records, _, err := r.ring.Get(ctx, identity.ReleasesResource, overlay.Release)
	return records, err
}
