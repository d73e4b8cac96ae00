package usage

import (
	"crypto/aes"
	"crypto/cipher"
	crand "crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"chordophone/overlay"
)

// forTelephone is the format of what is sealed to a telephone and to the phone that
// took it.
const forTelephone = 2

// sealed is a message for a telephone. Its text is encrypted with a key of its own,
// and that key is sealed twice: to the telephone, and to the phone that took the
// message, which can seal it anew if another telephone takes the place of this one.
// PROFILE.md, section 4, has it field by field.
type sealed struct {
	to    overlay.ID // the telephone's node
	key   []byte     // sealed to it
	taker []byte     // the same key, sealed to the phone that signed the record
	text  []byte
}

// Of AES-256-GCM, in octets.
const (
	textKey   = 32
	nonceSize = 12
)

// sealTwice seals a text to the phone to with this chain, and to own, this phone's.
func sealTwice(s Sealer, to overlay.ID, chain, own [][]byte, info, text []byte) (out sealed, err error) {
	key := make([]byte, textKey)
	crand.Read(key) // never fails

	// The key has one text, so that the nonce may be any.
	out = sealed{to: to, text: textCipher(key).Seal(nil, make([]byte, nonceSize), text, info)}
	if out.key, err = s.SealTo(chain, info, key); err != nil {
		return sealed{}, err
	}
	if out.taker, err = s.SealTo(own, info, key); err != nil {
		return sealed{}, err
	}
	return out, nil
}

// resealed is the same for another telephone. The error says that this phone is not
// the one that took it.
func (m sealed) resealed(s Sealer, to overlay.ID, chain [][]byte, info []byte) (sealed, error) {
	key, err := s.Unseal(info, m.taker)
	if err != nil {
		return sealed{}, err
	}
	if m.key, err = s.SealTo(chain, info, key); err != nil {
		return sealed{}, err
	}
	m.to = to
	return m, nil
}

// open reads the text with the telephone's own key.
func (m sealed) open(s Sealer, info []byte) ([]byte, error) {
	key, err := s.Unseal(info, m.key)
	if err != nil {
		return nil, err
	}
	if len(key) != textKey {
		return nil, errUnreadable
	}
	text, err := textCipher(key).Open(nil, make([]byte, nonceSize), m.text, info)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return text, nil
}

func textCipher(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return aead
}

var errUnreadable = errors.New("usage: not to be read here")

func (m sealed) append(out []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(out)
	b.AddUint8(forTelephone)
	b.AddBytes(m.to[:])
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(m.key) })
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(m.taker) })
	b.AddBytes(m.text)
	return b.Bytes()
}

func parseSealed(value []byte) (m sealed, err error) {
	var (
		s          = cryptobyte.String(value)
		format     uint8
		key, taker cryptobyte.String
	)
	if !s.ReadUint8(&format) || format != forTelephone || !s.CopyBytes(m.to[:]) ||
		!s.ReadUint8LengthPrefixed(&key) || !s.ReadUint8LengthPrefixed(&taker) {
		return sealed{}, errUnreadable
	}
	m.key, m.taker, m.text = key, taker, s
	return m, nil
}
