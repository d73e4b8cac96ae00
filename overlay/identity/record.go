package identity

import (
	"bytes"
	"errors"
	"fmt"

	"chordophone/overlay"
)

// Where the Kinds are that have one place.
var (
	MembersResource  = overlay.ResourceID("members")  // OFFICE-MEMBER
	AccountsResource = overlay.ResourceID("accounts") // CREDENTIAL
	ChangesResource  = overlay.ResourceID("changes")  // CHANGES
	ReleasesResource = overlay.ResourceID("releases") // RELEASE
)

// ErrKind is the error for a record of a Kind without policy.
// RFC 6940, section 7.4.1.2: Error_Unknown_Kind
var ErrKind = errors.New("identity: unknown kind")

// policy is who may write a Kind. // RFC 6940, section 7.3
type policy struct {
	// allows says whether the signer may store the record.
	allows func(v *verifier, signer member, r *overlay.Record) error

	// outlives says that a record stays good when its signer is revoked.
	outlives bool
}

// policies is the one table of who may write what.
var policies = map[overlay.Kind]policy{
	overlay.SIPRegistration: {allows: userNodeMatch},
	overlay.OfficeMember:    {allows: memberChain, outlives: true}, // the chain in it proves itself
	overlay.Revocation:      {allows: revocation, outlives: true},  // else who is revoked could undo his own

	// What people have entered or sent stays when the phone at which they did
	// it is lost; where its clients were reached does not.
	overlay.Credential: {allows: memberAt(AccountsResource), outlives: true},
	overlay.Binding:    {allows: anyMember},
	overlay.Mailbox:    {allows: anyMember, outlives: true},
	overlay.Contacts:   {allows: anyMember, outlives: true},
	overlay.Changes:    {allows: ownAt(ChangesResource)},
	overlay.Release:    {allows: ownAt(ReleasesResource)},
}

// anyMember is MEMBER: whoever belongs to the office may store, replace and
// remove.
func anyMember(*verifier, member, *overlay.Record) error { return nil }

// memberAt is MEMBER for a Kind that has one place.
func memberAt(resource overlay.ID) func(*verifier, member, *overlay.Record) error {
	return func(_ *verifier, _ member, r *overlay.Record) error {
		if r.Resource != resource {
			return errors.New("the resource is not the one of this kind")
		}
		return nil
	}
}

// ownAt is for a Kind that has one place, where each phone speaks for itself.
func ownAt(resource overlay.ID) func(*verifier, member, *overlay.Record) error {
	return func(_ *verifier, signer member, r *overlay.Record) error {
		if r.Resource != resource {
			return errors.New("the resource is not the one of this kind")
		}
		if !bytes.Equal(r.Key, signer.id[:]) {
			return errors.New("the key is not the signer's Node-ID")
		}
		return nil
	}
}

// userNodeMatch is USER-NODE-MATCH. // RFC 6940, section 7.3.3
func userNodeMatch(_ *verifier, signer member, r *overlay.Record) error {
	if r.Resource != overlay.ResourceID(signer.user) {
		return errors.New("the resource is not that of the signer's user name")
	}
	if !bytes.Equal(r.Key, signer.id[:]) {
		return errors.New("the key is not the signer's Node-ID")
	}
	return nil
}

// memberChain is the policy of OFFICE-MEMBER: any member may store any member's
// chain, since it proves itself; only the member may take it away.
func memberChain(v *verifier, signer member, r *overlay.Record) error {
	if r.Resource != MembersResource {
		return errors.New("the resource is not that of the members")
	}
	if r.Removed {
		if !bytes.Equal(r.Key, signer.id[:]) {
			return errors.New("only the member may remove it")
		}
		return nil
	}
	m, err := v.member(r.Value)
	if err != nil {
		return err
	}
	if !bytes.Equal(r.Key, m.id[:]) {
		return errors.New("the key is not the Node-ID in the chain")
	}
	return nil
}

// SignRecord makes r a record of this phone: it fills Owner, Chain and Sig. The
// error is that of VerifyRecord for what other nodes would refuse.
func (id *Identity) SignRecord(r *overlay.Record) error {
	s := *r
	s.Owner, s.Chain = id.self.id, id.chain // both before SignedBytes, which covers the leaf
	if err := id.admit(&s, id.self); err != nil {
		return err
	}
	sig, err := id.Sign(s.SignedBytes())
	if err != nil {
		return err
	}
	s.Signature = sig
	*r = s
	return nil
}

// VerifyRecord says whether r was signed by its Owner and whether that one may
// store it. The error is ErrUntrusted, ErrRevoked, ErrSignature, ErrPolicy or
// ErrKind.
func (id *Identity) VerifyRecord(r overlay.Record) error {
	m, err := id.prove(r.Chain)
	if err == nil && !policies[r.Kind].outlives {
		err = id.checkRefused(m)
	}
	if err != nil {
		return fmt.Errorf("%v record: %w", r.Kind, err)
	}
	if r.Owner != m.id {
		return fmt.Errorf("%v record: %w: %s signed, %s is called the owner", r.Kind, ErrSignature, m.id.Short(), r.Owner.Short())
	}
	if err := id.admit(&r, m); err != nil {
		return err
	}
	return m.check(r.SignedBytes(), r.Sig)
}

// admit checks all but the signature.
func (id *Identity) admit(r *overlay.Record, signer member) error {
	if err := r.CheckSize(); err != nil {
		return err
	}
	policy, ok := policies[r.Kind]
	if !ok {
		return fmt.Errorf("%w %v", ErrKind, r.Kind)
	}
	if err := policy.allows(id.verifier, signer, r); err != nil {
		return fmt.Errorf("%v record of node %s: %w: %w", r.Kind, signer.id.Short(), ErrPolicy, err)
	}
	return nil
}

// Member is what an OFFICE-MEMBER record says.
type Member struct {
	Node      overlay.ID
	User      string // "101@office"
	Extension int
}

// MemberRecord is the OFFICE-MEMBER record for the phone with this chain. The
// caller sets Version and Lifetime and has it signed.
func MemberRecord(node overlay.ID, chain [][]byte) overlay.Record {
	return overlay.Record{
		Resource: MembersResource,
		Kind:     overlay.OfficeMember,
		Key:      bytes.Clone(node[:]),
		Value:    AppendChain(nil, chain),
	}
}

// ParseMember verifies and reads the value of an OFFICE-MEMBER record.
func (id *Identity) ParseMember(value []byte) (Member, error) {
	m, err := id.member(value)
	if err != nil {
		return Member{}, err
	}
	return Member{Node: m.id, User: m.user, Extension: m.ext}, nil
}

func (v *verifier) member(value []byte) (member, error) {
	chain, err := ParseChain(value)
	if err != nil {
		return member{}, err
	}
	return v.verify(chain)
}
