package identity

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"chordophone/overlay"
)

// Sign signs msg as this phone.
func (id *Identity) Sign(msg []byte) (overlay.Signature, error) {
	h := sha256.Sum256(msg)
	sig, err := ecdsa.SignASN1(rand.Reader, id.key, h[:])
	if err != nil {
		return overlay.Signature{}, fmt.Errorf("identity: sign: %w", err)
	}
	return overlay.Signature{Chain: id.chain, Sig: sig}, nil
}

// Verify says which member signed msg. The error is ErrUntrusted, ErrRevoked or
// ErrSignature.
func (id *Identity) Verify(msg []byte, s overlay.Signature) (overlay.ID, error) {
	m, err := id.verify(s.Chain)
	if err != nil {
		return overlay.ID{}, err
	}
	if err := m.check(msg, s.Sig); err != nil {
		return overlay.ID{}, err
	}
	return m.id, nil
}

func (m member) check(msg, sig []byte) error {
	h := sha256.Sum256(msg)
	if !ecdsa.VerifyASN1(m.key, h[:], sig) {
		return fmt.Errorf("node %s: %w", m.id.Short(), ErrSignature)
	}
	return nil
}
