package identity

import (
	"crypto/ecdh"
	"crypto/hpke"
	"errors"
	"fmt"
)

// SealOverhead is by how many octets a sealed text is longer.
const SealOverhead = 65 + 16 // the point on P-256, the tag of AES-GCM

// ErrSealed means that a text was not sealed to this key, or not in this place.
var ErrSealed = errors.New("identity: sealed to somebody else")

// Seal encrypts a text so that only the holder of to's private key can read it.
// info says what it is and where it stands: Unseal must be given the same. It is
// HPKE, base mode, with P-256, HKDF-SHA256 and AES-256-GCM. // RFC 9180, section 6.1
func Seal(to *ecdh.PublicKey, info, text []byte) ([]byte, error) {
	key, err := hpke.NewDHKEMPublicKey(to)
	if err != nil {
		return nil, fmt.Errorf("identity: seal: %w", err)
	}
	sealed, err := hpke.Seal(key, hpke.HKDFSHA256(), hpke.AES256GCM(), info, text)
	if err != nil {
		return nil, fmt.Errorf("identity: seal: %w", err)
	}
	return sealed, nil
}

// Unseal decrypts what Seal made. The error is ErrSealed.
func Unseal(key *ecdh.PrivateKey, info, sealed []byte) ([]byte, error) {
	k, err := hpke.NewDHKEMPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	text, err := hpke.Open(k, hpke.HKDFSHA256(), hpke.AES256GCM(), info, sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	return text, nil
}

// SealTo is Seal for the phone with this certificate chain, once it is verified.
// That a key both signs and is sealed to is sound as long as the hashes cannot be
// mistaken for one another; HPKE puts its name into each.
func (id *Identity) SealTo(chain [][]byte, info, text []byte) ([]byte, error) {
	m, err := id.verify(chain)
	if err != nil {
		return nil, err
	}
	to, err := m.key.ECDH()
	if err != nil {
		return nil, fmt.Errorf("identity: seal: %w", err)
	}
	return Seal(to, info, text)
}

// Unseal decrypts what was sealed to this phone. The error is ErrSealed.
func (id *Identity) Unseal(info, sealed []byte) ([]byte, error) {
	key, err := id.key.ECDH()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	return Unseal(key, info, sealed)
}
