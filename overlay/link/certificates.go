package link

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"sync"

	"chordophone/overlay"
	"chordophone/overlay/reload"
)

// A security block holds the certificates of all signatures in a message in one
// heap (RFC 6940, section 6.3.4). A bag is that heap; it finds the chain that
// belongs to a signature. A cabinet keeps certificates parsed, once each, so that
// the records of one phone share its chain.

// certificate is one parsed certificate.
type certificate struct {
	sum [sha256.Size]byte
	*x509.Certificate
}

// cabinet remembers parsed certificates. It vouches for none of them.
type cabinet struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]*certificate // guarded by mu
}

// maxCabinet bounds a cabinet: a large office, with its enrollers.
const maxCabinet = 1024

func (c *cabinet) certificate(der []byte) (*certificate, error) {
	sum := sha256.Sum256(der)
	c.mu.Lock()
	defer c.mu.Unlock()
	if cert := c.known[sum]; cert != nil {
		return cert, nil
	}
	parsed, err := x509.ParseCertificate(bytes.Clone(der))
	if err != nil {
		return nil, err
	}
	if c.known == nil || len(c.known) >= maxCabinet {
		c.known = make(map[[sha256.Size]byte]*certificate)
	}
	cert := &certificate{sum, parsed}
	c.known[sum] = cert
	return cert, nil
}

// bag is the certificates of one message, and those that it may leave out.
type bag struct {
	nodeOf  func(tls.ConnectionState) (overlay.ID, error)
	certs   []*certificate
	missing error // what to call it when there is none
}

// fill adds the certificates of a security block.
func (g *bag) fill(c *cabinet, list []reload.Certificate) error {
	for _, l := range list {
		if l.Type != reload.X509 || len(l.Data) > overlay.MaxCert {
			return errProfile
		}
		cert, err := c.certificate(l.Data)
		if err != nil {
			return err
		}
		g.certs = append(g.certs, cert)
	}
	return nil
}

// signature is s with its chain, and the node that the certificate names.
func (g *bag) signature(s reload.Signature) (sig overlay.Signature, signer overlay.ID, err error) {
	sum, err := leafSum(s)
	if err != nil {
		return sig, signer, err
	}
	at := -1
	for i, c := range g.certs {
		if c.sum == sum {
			at = i
			break
		}
	}
	if at < 0 {
		return sig, signer, g.missing
	}
	leaf := g.certs[at]
	for at >= 0 && len(sig.Chain) < overlay.MaxChain {
		sig.Chain = append(sig.Chain, g.certs[at].Raw)
		at = g.issuer(at)
	}
	sig.Sig = bytes.Clone(s.Value)
	// Whether the chain is good is for Verify and VerifyRecord to say.
	signer, err = g.nodeOf(tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf.Certificate}})
	return sig, signer, err
}

// issuer finds the issuer of certificate i, the nearest behind it first: a chain
// is sent in order. It is -1 for those that the root issued.
func (g *bag) issuer(i int) int {
	c := g.certs[i]
	for n := 1; n < len(g.certs); n++ {
		j := (i + n) % len(g.certs)
		up := g.certs[j]
		if bytes.Equal(up.RawSubject, c.RawIssuer) && bytes.Equal(up.SubjectKeyId, c.AuthorityKeyId) && up.sum != c.sum {
			return j
		}
	}
	return -1
}
