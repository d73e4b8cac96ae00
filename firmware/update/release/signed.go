package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"aead.dev/minisign"
)

// ErrSignature means that none of the keys signed the manifest.
var ErrSignature error = hinted{"nobody this phone trusts has signed this release",
	"is it the release for this office? the keys that count are in " + KeyFile}

const magic = "CHORDREL"

// Signed is a manifest with the signature that was checked. It is the head of a
// release file, and what a phone shows that hands the release on.
type Signed struct {
	Manifest
	id   ID
	head []byte
}

// ID names the release.
func (s *Signed) ID() ID { return s.id }

// Head is the octets that ReadSigned reads.
func (s *Signed) Head() []byte { return s.head }

// MaxHead is the most octets of a head.
const MaxHead = prefix + MaxManifest + MaxSignature

// ReadSigned reads the head of a release file, and not an octet more. The error is
// ErrNoKeys, ErrSignature, ErrMalformed or that of r.
func ReadSigned(r io.Reader, keys []Key) (*Signed, error) {
	if len(keys) == 0 {
		return nil, ErrNoKeys
	}
	head, nManifest, err := readHead(r)
	if err != nil {
		return nil, err
	}
	text, signature := head[prefix:prefix+nManifest], head[prefix+nManifest:]
	if !signedByAny(keys, text, signature) {
		return nil, ErrSignature
	}
	s := &Signed{id: sha256.Sum256(text), head: head}
	if err := s.Manifest.UnmarshalText(text); err != nil {
		return nil, err
	}
	return s, nil
}

// Split reads the head of a release file and returns its manifest and the signature,
// neither of them checked: for other programs to look at.
func Split(r io.Reader) (manifest, signature []byte, err error) {
	head, nManifest, err := readHead(r)
	if err != nil {
		return nil, nil, err
	}
	return head[prefix : prefix+nManifest], head[prefix+nManifest:], nil
}

// ParseSigned is ReadSigned of a whole head.
func ParseSigned(head []byte, keys []Key) (*Signed, error) {
	r := bytes.NewReader(head)
	s, err := ReadSigned(r, keys)
	if err == nil && r.Len() > 0 {
		err = fmt.Errorf("%w: octets after the signature", ErrMalformed)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// prefix is what is before the manifest, in octets.
const prefix = len(magic) + 6

// readHead reads a head: how long its manifest is stands in it.
func readHead(r io.Reader) (head []byte, nManifest int, err error) {
	head = make([]byte, prefix)
	if err := readFull(r, head); err != nil {
		return nil, 0, err
	}
	nManifest = int(binary.BigEndian.Uint32(head[len(magic):]))
	nSignature := int(binary.BigEndian.Uint16(head[len(magic)+4:]))
	switch {
	case string(head[:len(magic)]) != magic:
		return nil, 0, fmt.Errorf("%w: it does not begin like a release file", ErrMalformed)
	case nManifest < 0 || nManifest > MaxManifest || nSignature > MaxSignature:
		return nil, 0, fmt.Errorf("%w: manifest of %d octets, signature of %d", ErrMalformed, nManifest, nSignature)
	}
	head = append(head, make([]byte, nManifest+nSignature)...)
	return head, nManifest, readFull(r, head[prefix:])
}

func readFull(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: it ends too early", ErrMalformed)
	}
	return err
}

func signedByAny(keys []Key, text, signature []byte) bool {
	var parsed minisign.Signature
	if parsed.UnmarshalText(signature) != nil || parsed.Algorithm != minisign.HashEdDSA {
		return false
	}
	for _, key := range keys {
		if minisign.Verify(key, text, signature) {
			return true
		}
	}
	return false
}

// sign makes the head of a release.
func sign(m Manifest, key minisign.PrivateKey) (*Signed, error) {
	text, err := m.MarshalText()
	if err != nil {
		return nil, err
	}
	r := minisign.NewReader(bytes.NewReader(text)) // hashes first, as minisign does today
	if _, err := io.Copy(io.Discard, r); err != nil {
		return nil, err
	}
	signature := r.SignWithComments(key, strings.Join([]string{"chordophone", m.Product, m.Version.String()}, " "), "signature of a chordophone release's manifest")
	head := []byte(magic)
	head = binary.BigEndian.AppendUint32(head, uint32(len(text)))
	head = binary.BigEndian.AppendUint16(head, uint16(len(signature)))
	head = append(append(head, text...), signature...)
	return &Signed{Manifest: m, id: sha256.Sum256(text), head: head}, nil
}
