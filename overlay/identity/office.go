package identity

import (
	"fmt"

	"chordophone/overlay"
)

// OfficeKey signs as the office itself: with the root key, below a leaf of its
// own. To all who verify it is one more member, so its signatures need no format
// of their own; VerifyOffice knows it by its Node-ID, which is that of the root
// key. It is safe for concurrent use.
type OfficeKey struct{ as *Identity }

// OfficeKey is the office's key where it is: on the founding phone.
func (id *Identity) OfficeKey() (OfficeKey, error) {
	if id.rootKey == nil {
		return OfficeKey{}, fmt.Errorf("identity: phone %d does not have the office's key", id.Extension())
	}
	by, err := id.issuer()
	if err != nil {
		return OfficeKey{}, err
	}
	chain, err := by.leaf(&id.rootKey.PublicKey, id.Extension())
	if err != nil {
		return OfficeKey{}, err
	}
	self, err := id.prove(chain)
	if err != nil {
		return OfficeKey{}, err
	}
	return OfficeKey{&Identity{verifier: id.verifier, self: self, key: id.rootKey, chain: chain}}, nil
}

// ID is the Node-ID of the office's key. No node has it.
func (k OfficeKey) ID() overlay.ID { return k.as.ID() }

// Chain is its certificate chain, see Identity.Chain.
func (k OfficeKey) Chain() [][]byte { return k.as.Chain() }

// Sign signs msg for the office.
func (k OfficeKey) Sign(msg []byte) (overlay.Signature, error) { return k.as.Sign(msg) }

// VerifyOffice is Verify for what the office itself must have signed: the
// signature of a phone, be it the founder's, is ErrSignature.
func (id *Identity) VerifyOffice(msg []byte, s overlay.Signature) (overlay.ID, error) {
	by, err := id.Verify(msg, s)
	if err != nil {
		return overlay.ID{}, err
	}
	if by != nodeOfSPKI(id.root.RawSubjectPublicKeyInfo) {
		return overlay.ID{}, fmt.Errorf("node %s in place of the office: %w", by.Short(), ErrSignature)
	}
	return by, nil
}
