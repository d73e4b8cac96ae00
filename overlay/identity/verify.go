package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"sync"
	"time"

	"chordophone/overlay"
)

// maxVerified is how many verified chains are remembered: a large office, at
// about 1 KB each.
const maxVerified = 512

// member is what a verified chain says.
type member struct {
	id   overlay.ID
	user string
	ext  int
	key  *ecdsa.PublicKey
	by   []overlay.ID // the enrollers above, by Node-ID, nearest first
}

// verifier verifies chains against an office's root.
type verifier struct {
	office string
	root   *x509.Certificate
	roots  *x509.CertPool

	mu       sync.Mutex // guards what follows
	verified map[[sha256.Size]byte]member
	order    [][sha256.Size]byte         // of verified, oldest first
	refused  map[overlay.ID][]overlay.ID // with those that are spared
}

// newVerifier checks that root is the root of an office.
func newVerifier(root *x509.Certificate) (*verifier, error) {
	office := root.Subject.CommonName
	if err := CheckOffice(office); err != nil {
		return nil, fmt.Errorf("%w: root: %w", ErrUntrusted, err)
	}
	if err := checkForm(root); err != nil {
		return nil, err
	}
	if err := root.CheckSignatureFrom(root); err != nil {
		return nil, fmt.Errorf("%w: root: %w", ErrUntrusted, err)
	}
	v := &verifier{
		office:   office,
		root:     root,
		roots:    x509.NewCertPool(),
		verified: make(map[[sha256.Size]byte]member),
	}
	v.roots.AddCert(root)
	return v, nil
}

// verify returns what a leaf's chain says, once it is proved, unless that phone
// was revoked.
func (v *verifier) verify(chain [][]byte) (member, error) {
	m, err := v.prove(chain)
	if err == nil {
		err = v.checkRefused(m)
	}
	return m, err
}

// prove is verify for phones that were revoked, too.
func (v *verifier) prove(chain [][]byte) (member, error) {
	if err := checkChainSize(chain); err != nil {
		return member{}, err
	}
	// All of the chain is the key, not only the leaf: a record whose chain is good
	// here must be good on nodes that have not seen the leaf before.
	name := sha256.Sum256(AppendChain(nil, chain))
	v.mu.Lock()
	m, ok := v.verified[name]
	v.mu.Unlock()
	if !ok {
		certs, err := v.path(chain)
		if err != nil {
			return member{}, err
		}
		if m, err = v.readLeaf(certs[0]); err != nil {
			return member{}, fmt.Errorf("%w: %w", ErrUntrusted, err)
		}
		for _, c := range certs[1:] {
			m.by = append(m.by, nodeOfSPKI(c.RawSubjectPublicKeyInfo))
		}
		v.remember(name, m)
	}
	return m, nil
}

func (v *verifier) remember(name [sha256.Size]byte, m member) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, ok := v.verified[name]; ok {
		return
	}
	if len(v.order) == maxVerified {
		delete(v.verified, v.order[0])
		v.order = slices.Delete(v.order, 0, 1)
	}
	v.verified[name] = m
	v.order = append(v.order, name)
}

// path proves that each certificate was issued by the next, and the last by the
// root. It does not say what the first may be used for.
func (v *verifier) path(chain [][]byte) ([]*x509.Certificate, error) {
	if err := checkChainSize(chain); err != nil {
		return nil, err
	}
	certs := make([]*x509.Certificate, len(chain))
	above := x509.NewCertPool()
	for i, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUntrusted, err)
		}
		if err := checkForm(c); err != nil {
			return nil, err
		}
		certs[i] = c
		if i > 0 {
			above.AddCert(c)
		}
	}
	paths, err := certs[0].Verify(x509.VerifyOptions{
		Roots:         v.roots,
		Intermediates: above,
		CurrentTime:   notBefore.Add(time.Second), // no clock: checkForm sees to validity
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	want := append(slices.Clone(certs), v.root)
	for _, p := range paths {
		if slices.EqualFunc(p, want, func(a, b *x509.Certificate) bool { return bytes.Equal(a.Raw, b.Raw) }) {
			return certs, nil
		}
	}
	return nil, fmt.Errorf("%w: certificates that do not belong to the chain", ErrUntrusted)
}

// readLeaf says what a leaf says, if it says all that it must and nothing else.
// RFC 6940, section 11.3
func (v *verifier) readLeaf(c *x509.Certificate) (member, error) {
	m := member{id: nodeOfSPKI(c.RawSubjectPublicKeyInfo), key: c.PublicKey.(*ecdsa.PublicKey)}
	switch {
	case c.IsCA:
		return m, fmt.Errorf("the leaf is a certification authority")
	case c.KeyUsage&x509.KeyUsageDigitalSignature == 0,
		!slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth),
		!slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth):
		return m, fmt.Errorf("the leaf may not be used for a phone")
	case len(c.Subject.Names) != 0,
		len(c.URIs) != 1, len(c.EmailAddresses) != 1, len(c.DNSNames) != 0, len(c.IPAddresses) != 0:
		return m, fmt.Errorf("the leaf has not just one Node-ID and one user name")
	case c.URIs[0].String() != nodeURI(m.id, v.office):
		return m, fmt.Errorf("Node-ID %q does not belong to the key", c.URIs[0])
	}
	var err error
	m.user = c.EmailAddresses[0]
	m.ext, err = parseUser(m.user, v.office)
	return m, err
}

// checkForm refuses what no office certificate is: another kind of key, or one
// that needs a clock to be judged.
func checkForm(c *x509.Certificate) error {
	key, ok := c.PublicKey.(*ecdsa.PublicKey)
	switch {
	case !ok || key.Curve != elliptic.P256() || c.SignatureAlgorithm != x509.ECDSAWithSHA256:
		return fmt.Errorf("%w: not ECDSA with P-256 and SHA-256", ErrUntrusted)
	case c.NotBefore.After(notBefore) || c.NotAfter.Before(notAfter):
		return fmt.Errorf("%w: valid only from %s to %s, not for ever", ErrUntrusted,
			c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly))
	}
	return nil
}

func checkChainSize(chain [][]byte) error {
	if len(chain) == 0 {
		return fmt.Errorf("%w: no certificate", ErrUntrusted)
	}
	if len(chain) > overlay.MaxChain {
		return fmt.Errorf("%w: chain of %d certificates", ErrUntrusted, len(chain))
	}
	for _, c := range chain {
		if len(c) > overlay.MaxCert {
			return fmt.Errorf("%w: certificate of %d octets", ErrUntrusted, len(c))
		}
	}
	return nil
}
