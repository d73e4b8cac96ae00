package config

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"chordophone/overlay"
	"chordophone/overlay/reload"
)

// VerifyFunc checks a signature with its chain against the office's root and
// says whose it is: identity.Identity.Verify.
type VerifyFunc func(msg []byte, s overlay.Signature) (overlay.ID, error)

// Verify says whether the document may come into force after previous, or as the
// first one where that is nil. The error is ErrSigner, ErrSequence, ErrOffice,
// ErrUnsupported or ErrKind. // RFC 6940, sections 6.5.4.2 and 11.1
func (d *Document) Verify(verify VerifyFunc, previous *Document) error {
	signers := d.ConfigSigners
	if previous != nil {
		// "Any configuration file MUST be signed by one of the configuration-signer
		// elements from the previous extant configuration."
		signers = previous.ConfigSigners
		switch {
		case d.Office != previous.Office:
			return fmt.Errorf("%w: %q", ErrOffice, d.Office)
		case !reload.ConfigOlder(previous.Sequence, d.Sequence):
			return fmt.Errorf("%w: %d after %d", ErrSequence, d.Sequence, previous.Sequence)
		case !slices.EqualFunc(d.RootCerts, previous.RootCerts, bytes.Equal):
			return fmt.Errorf("%w: another root certificate", ErrUnsupported)
		}
	}
	if err := d.signedBy(verify, d.signed, d.security, signers); err != nil {
		return err
	}
	for _, k := range d.Kinds {
		// "kind-block elements MUST be signed by a node listed in the kind-signers
		// block of the current configuration."
		if err := d.signedBy(verify, k.signed, k.security, d.KindSigners); err != nil {
			return fmt.Errorf("kind %#x: %w", uint32(k.ID), err)
		}
		if !supported(k) {
			return fmt.Errorf("%w: %#x", ErrKind, uint32(k.ID))
		}
	}
	return nil
}

// signedBy verifies a signature over a blob.
func (d *Document) signedBy(verify VerifyFunc, blob []byte, sec *reload.Security, allowed []overlay.ID) error {
	if sec == nil {
		return fmt.Errorf("%w: no signature", ErrSigner)
	}
	s := sec.Signature
	if s.Hash != reload.HashSHA256 || s.Algorithm != reload.SigECDSA || s.Signer.Type != reload.CertHash ||
		s.Signer.Hash != reload.HashSHA256 || len(sec.Certificates) == 0 {
		return fmt.Errorf("%w: signature of another form", ErrSigner)
	}
	sig := overlay.Signature{Sig: s.Value}
	for _, c := range sec.Certificates { // leaf first
		if c.Type != reload.X509 {
			return fmt.Errorf("%w: certificate of type %d", ErrSigner, c.Type)
		}
		sig.Chain = append(sig.Chain, c.Data)
	}
	if sum := sha256.Sum256(sig.Chain[0]); !bytes.Equal(sum[:], s.Signer.Sum) {
		return fmt.Errorf("%w: the first certificate is not the signer's", ErrSigner)
	}
	input, err := s.Signer.Append(bytes.Clone(blob))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	id, err := verify(input, sig)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrSigner, err)
	case !slices.Contains(allowed, id), slices.Contains(d.BadNodes, id):
		return fmt.Errorf("%w: node %s", ErrSigner, id.Short())
	}
	return nil
}
