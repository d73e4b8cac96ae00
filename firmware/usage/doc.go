// Package usage is the bridge between SIP and the ring: what SIP asks of a
// location service is kept as signed records at points of the ring. RELOAD calls
// such a thing a usage. // RFC 6940, section 1.1; RFC 7904
//
//	Registrations  where the telephones are: SIP-REGISTRATION
//	Clients        where existing clients are, and look-ups of both: BINDING
//	Accounts       the clients' accounts: CREDENTIAL
//	Mailbox        messages for those who are away: MAILBOX
//	Contacts       lists of contacts: CONTACTS
//	Members        the enrolled phones: OFFICE-MEMBER
//	Revocations    those that were shut out: REVOCATION
//	Changes        what phones have lately changed: CHANGES
//
// All of them write through Writer, which numbers and signs. What must be quick is
// kept in memory and read anew when Changes says so:
//
//	phone A: Accounts.Add ──CREDENTIAL──▶ ring
//	                      ──CHANGES─────▶ ring ──every 2 s──▶ phone B: Changes.Run
//	                                      ring ──CREDENTIAL─▶          Accounts
//
// SIP-REGISTRATION, OFFICE-MEMBER, REVOCATION and CHANGES have one writer a slot.
// Any member may write the rest: the version numbers are a Lamport clock for them,
// since who finds a newer version goes on from there.
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
	Held(resource overlay.ID, kinds ...overlay.Kind) ([]overlay.Record, bool) // Get where that takes no time
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
	User() string
	ParseMember(value []byte) (identity.Member, error)
}
