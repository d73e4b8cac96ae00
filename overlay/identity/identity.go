package identity

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"strings"

	"chordophone/overlay"
)

// FirstExtension is what the founding phone gets; the others get the lowest
// free one from here on.
const FirstExtension = 101

// Identity is one enrolled phone: its key and what the office says about it. It
// is safe for concurrent use, and what its methods return must not be changed.
type Identity struct {
	*verifier
	self     member
	key      *ecdsa.PrivateKey
	rootKey  *ecdsa.PrivateKey // nil but on the founding phone
	chain    [][]byte          // leaf first
	enroller [][]byte          // enroller certificate first, then as in chain

	configuration []byte // that came with enrolment, not verified
}

// Found makes an office and its first phone, with the extension it wishes or, for
// 0, FirstExtension. The error is ErrOfficeName or ErrExtension.
func Found(office string, wish int) (*Identity, error) {
	if err := CheckOffice(office); err != nil {
		return nil, err
	}
	ext := cmp.Or(wish, FirstExtension)
	if err := CheckExtension(ext); err != nil {
		return nil, err
	}
	rootKey, err := newKey()
	if err != nil {
		return nil, err
	}
	root, err := newRoot(office, rootKey)
	if err != nil {
		return nil, err
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	by := issuer{office: office, cert: root, key: rootKey}
	leaf, err := by.leaf(&key.PublicKey, ext)
	if err != nil {
		return nil, err
	}
	enroller, err := by.enroller(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	return assemble(key, rootKey, root, leaf, enroller)
}

// assemble puts an identity together and checks that its parts belong together.
func assemble(key, rootKey *ecdsa.PrivateKey, root *x509.Certificate, chain, enroller [][]byte) (*Identity, error) {
	v, err := newVerifier(root)
	if err != nil {
		return nil, err
	}
	self, err := v.verify(chain)
	if err != nil {
		return nil, err
	}
	ca, err := v.path(enroller)
	if err != nil {
		return nil, err
	}
	switch {
	case !key.PublicKey.Equal(self.key):
		return nil, fmt.Errorf("%w: leaf for another key", ErrUntrusted)
	case !key.PublicKey.Equal(ca[0].PublicKey) || !ca[0].IsCA:
		return nil, fmt.Errorf("%w: enroller certificate for another key", ErrUntrusted)
	case rootKey != nil && !rootKey.PublicKey.Equal(root.PublicKey):
		return nil, fmt.Errorf("%w: office key of another office", ErrUntrusted)
	}
	return &Identity{verifier: v, self: self, key: key, rootKey: rootKey, chain: chain, enroller: enroller}, nil
}

// ID is the phone's Node-ID.
func (id *Identity) ID() overlay.ID { return id.self.id }

// User is the phone's user name, "101@office": the address of record without
// its scheme.
func (id *Identity) User() string { return id.self.user }

// Extension is the number in front of User.
func (id *Identity) Extension() int { return id.self.ext }

// Office is the name of the office.
func (id *Identity) Office() string { return id.office }

// Founder reports whether this phone holds the office's root key.
func (id *Identity) Founder() bool { return id.rootKey != nil }

// Chain is the phone's certificate chain in DER, leaf first, without the root.
func (id *Identity) Chain() [][]byte { return id.chain }

// Root is the office's root certificate in DER.
func (id *Identity) Root() []byte { return id.root.Raw }

// Configuration is the office's configuration document that the enroller handed
// over just now, nil if it had none. Nobody has verified it: see VerifyOffice. It
// is not kept with the identity.
func (id *Identity) Configuration() []byte { return id.configuration }

// CheckOffice says whether name can be the name of an office: labels of lower
// case letters, digits and inner hyphens, joined by dots, 1 to 63 octets, the
// last label not a number (so that nobody takes it for an IP address). The error
// is ErrOfficeName.
func CheckOffice(name string) error {
	bad := func(why string) error { return fmt.Errorf("%q: %w: %s", name, ErrOfficeName, why) }
	if name == "" || len(name) > 63 {
		return bad("it has no or more than 63 characters")
	}
	labels := strings.Split(name, ".")
	for _, l := range labels {
		if l == "" || l[0] == '-' || l[len(l)-1] == '-' {
			return bad("a part is empty or begins or ends with -")
		}
		for _, c := range l {
			if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-') {
				return bad(fmt.Sprintf("it has %q in it", c))
			}
		}
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return bad("it ends like an IP address")
	}
	return nil
}

func newKey() (*ecdsa.PrivateKey, error) {
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}
