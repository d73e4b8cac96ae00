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

	// What follows any member may write, whoever wrote it before: the newest
	// version of a slot holds.

	// Credential is one SIP account of an existing client: dictionary keyed by
	// its user name, at the Resource-ID of "accounts".
	Credential Kind = 0xF0000003

	// Binding is one contact of an existing client: dictionary keyed by a hash
	// of what tells it from others, at the Resource-ID of the user name, where
	// a phone's own registration would be.
	Binding Kind = 0xF0000004

	// Mailbox is one message that waits for an address: dictionary keyed by a
	// hash of its identifier, at the Resource-ID of "mailbox:" and the user
	// name. Its value is sealed to the recipient.
	Mailbox Kind = 0xF0000005

	// Contacts is one entry of an address's list of contacts: dictionary keyed
	// by the entry's own address, at the Resource-ID of "contacts:" and the
	// user name of whose list it is.
	Contacts Kind = 0xF0000006

	// Changes is what one phone has lately changed in the Kinds above, so that
	// others need not read all of them to know: dictionary keyed by Node-ID, at
	// the Resource-ID of "changes". Only that phone may write it.
	Changes Kind = 0xF0000007

	// Release is which release a phone runs, and what it knows of others:
	// dictionary keyed by Node-ID, at the Resource-ID of "releases". Only that
	// phone may write it.
	Release Kind = 0xF0000008
)

func (k Kind) String() string {
	switch k {
	case SIPRegistration:
		return "SIP-REGISTRATION"
	case OfficeMember:
		return "OFFICE-MEMBER"
	case Revocation:
		return "REVOCATION"
	case Credential:
		return "CREDENTIAL"
	case Binding:
		return "BINDING"
	case Mailbox:
		return "MAILBOX"
	case Contacts:
		return "CONTACTS"
	case Changes:
		return "CHANGES"
	case Release:
		return "RELEASE"
	}
	return fmt.Sprintf("kind-%#x", uint32(k))
}
