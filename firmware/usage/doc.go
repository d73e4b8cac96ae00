// Package usage is the bridge between SIP and the ring: what SIP asks of a
// location service is kept as signed records at points of the ring. RELOAD calls
// such a thing a usage. // RFC 6940, section 1.1; RFC 7904
//
// Registrations is the location service, Members the list of enrolled phones.
// Both write their records through Ring and number them with Versions.
package usage

import (
	"context"

	"chordophone/overlay"
	"chordophone/overlay/identity"
)

// Ring is what the package needs of overlay/node.
type Ring interface {
	Find(ctx context.Context, key overlay.ID) (overlay.Peer, []overlay.ID, error)
	Get(ctx context.Context, resource overlay.ID, kinds ...overlay.Kind) ([]overlay.Record, int, error)
	Put(ctx context.Context, r overlay.Record) (copies int, newer overlay.Version, err error)
}

// Signer is what a Writer needs of overlay/identity.
type Signer interface {
	SignRecord(*overlay.Record) error
}

// Identity is what Members needs of it.
type Identity interface {
	ID() overlay.ID
	Chain() [][]byte
	ParseMember(value []byte) (identity.Member, error)
}
