package link

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"sync"

	"chordophone/overlay"
	"chordophone/overlay/reload"
	"golang.org/x/crypto/cryptobyte"
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

// cabinet remembers parsed certificates, and which chain proved a leaf when one
// was last verified: of those, the chain may be left out of a message. Whether it
// still counts is for Verify and VerifyRecord to say each time.
type cabinet struct {
	mu     sync.Mutex // guards what follows
	known  map[[sha256.Size]byte]*certificate
	proved map[[sha256.Size]byte][]*certificate // by leaf
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
		c.proved = make(map[[sha256.Size]byte][]*certificate)
	}
	cert := &certificate{sum, parsed}
	c.known[sum] = cert
	return cert, nil
}

// prove notes that something with this chain was verified.
func (c *cabinet) prove(chain [][]byte) {
	if len(chain) == 0 {
		return
	}
	leaf := sha256.Sum256(chain[0])
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proved[leaf] != nil || c.known[leaf] == nil {
		return
	}
	certs := make([]*certificate, len(chain))
	for i, der := range chain {
		if certs[i] = c.known[sha256.Sum256(der)]; certs[i] == nil {
			return
		}
	}
	c.proved[leaf] = certs
}

// chain is the one that proved a leaf; none if it is not known.
func (c *cabinet) chain(leaf [sha256.Size]byte) []*certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.proved[leaf]
}

// bag is the certificates of one message, and those that it may leave out.
type bag struct {
	nodeOf  func(tls.ConnectionState) (overlay.ID, error)
	cabinet *cabinet
	certs   []*certificate
	missing error // what to call it when there is none

	// Of the first so many certs.
	indexed   int
	bySum     map[[sha256.Size]byte]int
	bySubject map[string][]int // ascending
}

// index catches up with certs.
func (g *bag) index() {
	if g.bySum == nil {
		g.bySum, g.bySubject = make(map[[sha256.Size]byte]int), make(map[string][]int)
	}
	for ; g.indexed < len(g.certs); g.indexed++ {
		c := g.certs[g.indexed]
		if _, ok := g.bySum[c.sum]; !ok {
			g.bySum[c.sum] = g.indexed
			subject := string(c.RawSubject)
			g.bySubject[subject] = append(g.bySubject[subject], g.indexed)
		}
	}
}

// fill adds the certificates of a security block.
func (g *bag) fill(list []reload.Certificate) error {
	for _, l := range list {
		if l.Type != reload.X509 || len(l.Data) > overlay.MaxCert {
			return errProfile
		}
		cert, err := g.cabinet.certificate(l.Data)
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
	g.index()
	at, ok := g.bySum[sum]
	if !ok {
		chain := g.cabinet.chain(sum)
		if chain == nil {
			return sig, signer, g.missing
		}
		at = len(g.certs)
		g.certs = append(g.certs, chain...)
		g.index()
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
	found := -1
	for _, j := range g.bySubject[string(c.RawIssuer)] {
		if j == i || !bytes.Equal(g.certs[j].SubjectKeyId, c.AuthorityKeyId) {
			continue
		}
		if j > i {
			return j
		}
		if found < 0 {
			found = j
		}
	}
	return found
}

// fillFromValues adds the certificates in values of OFFICE-MEMBER, which are
// chains, so that the security block need not repeat them: it could not hold
// those of more than about 100 phones. What is no certificate is left out;
// VerifyRecord will say so.
func (g *bag) fillFromValues(k reload.KindData) {
	if k.Kind != reload.Kind(overlay.OfficeMember) {
		return
	}
	for _, v := range k.Values {
		for _, der := range chainIn(v.Value.Value) {
			if cert, err := g.cabinet.certificate(der); err == nil {
				g.certs = append(g.certs, cert)
			}
		}
	}
}

// chainIn is the certificates in a value of OFFICE-MEMBER; none if it is no such
// value.
func chainIn(value []byte) (chain [][]byte) {
	for s := cryptobyte.String(value); !s.Empty(); {
		var der cryptobyte.String
		if !s.ReadUint16LengthPrefixed(&der) || len(der) == 0 || len(der) > overlay.MaxCert || len(chain) == overlay.MaxChain {
			return nil
		}
		chain = append(chain, der)
	}
	return chain
}

// keeper is what one side of a connection remembers of the certificates that
// crossed it in one direction, so that they cross it once. Both sides keep those
// of the same messages in the same order: messages that the sender itself made.
// One of those that goes further gets back what it lacks before it does.
type keeper struct {
	sums    map[[sha256.Size]byte]bool
	certs   []*certificate // at the receiver
	address []byte         // at the sender: what OFFICE-ADDRESS said last
}

// maxKept bounds a keeper.
const maxKept = 64

func (k *keeper) has(sum [sha256.Size]byte) bool { return k.sums[sum] }

func (k *keeper) keep(sum [sha256.Size]byte, c *certificate) {
	if len(k.sums) >= maxKept || k.sums[sum] {
		return
	}
	if k.sums == nil {
		k.sums = make(map[[sha256.Size]byte]bool)
	}
	k.sums[sum] = true
	if c != nil {
		k.certs = append(k.certs, c)
	}
}
