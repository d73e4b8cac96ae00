package overlay

import "fmt"

// Kind tells what a record's value means and who may write it: RELOAD's
// Kind-ID. // RFC 6940, section 7.4
type Kind uint32

const (
	// SIPRegistration is a phone's own registration: dictionary keyed by
	// Node-ID, at the Resource-ID of the user name, access USER-NODE-MATCH.
	// RFC 7904, section 4
	SIPRegistration Kind = 1

	// The office's own Kinds are in the private range.
	// RFC 6940, section 14.6

	// OfficeMember is one enrolled phone: dictionary keyed by its Node-ID, at
	// the Resource-ID of "members". Its value is the phone's certificate
	// chain, so any member may hand it on.
	OfficeMember Kind = 0xF0000001

	// Revocation bars one phone from the office: dictionary keyed by its
	// Node-ID and that of the signer, at the Resource-ID of "revocations". Its
	// value lists the Node-IDs that stay members though that phone enrolled
	// them. Any member may sign one; nobody can take it back.
	Revocation Kind = 0xF0000002
)

func (k Kind) String() string {
	switch k {
	case SIPRegistration:
		return "SIP-REGISTRATION"
	case OfficeMember:
		return "OFFICE-MEMBER"
	case Revocation:
		return "REVOCATION"
	}
	return fmt.Sprintf("kind-%#x", uint32(k))
}
