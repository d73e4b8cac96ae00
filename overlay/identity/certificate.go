package identity

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"chordophone/overlay"
)

// Office certificates are valid whatever a clock without battery says.
var (
	notBefore = time.Unix(0, 0).UTC()
	notAfter  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) // RFC 5280, section 4.1.2.5
)

// issuer is a certification authority: the root or an enroller.
type issuer struct {
	office string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	above  [][]byte // the issuer's own chain: empty for the root
}

// issuer is what this phone enrols others with: the root key where it is, its
// enroller certificate elsewhere.
func (id *Identity) issuer() (issuer, error) {
	if id.rootKey != nil {
		return issuer{office: id.office, cert: id.root, key: id.rootKey}, nil
	}
	if len(id.enroller) >= overlay.MaxChain {
		return issuer{}, ErrTooDeep
	}
	cert, err := x509.ParseCertificate(id.enroller[0])
	return issuer{office: id.office, cert: cert, key: id.key, above: id.enroller}, err
}

// leaf is a chain for a phone with this key and extension.
func (i issuer) leaf(pub *ecdsa.PublicKey, ext int) ([][]byte, error) {
	if err := CheckExtension(ext); err != nil {
		return nil, err
	}
	node, err := nodeOfKey(pub)
	if err != nil {
		return nil, err
	}
	return i.sign(pub, leafTemplate(node, ext, i.office))
}

// leafTemplate is what a leaf says. // RFC 6940, section 11.3: the subject is empty
func leafTemplate(node overlay.ID, ext int, office string) *x509.Certificate {
	uri, err := url.Parse(nodeURI(node, office))
	if err != nil {
		panic("BUG: name of an office is not good for a URI")
	}
	return &x509.Certificate{
		KeyUsage:       x509.KeyUsageDigitalSignature,
		ExtKeyUsage:    []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		URIs:           []*url.URL{uri},
		EmailAddresses: []string{userName(ext, office)},
	}
}

// enroller is a chain that begins with an enroller certificate for this key.
func (i issuer) enroller(pub *ecdsa.PublicKey) ([][]byte, error) {
	node, err := nodeOfKey(pub)
	if err != nil {
		return nil, err
	}
	return i.sign(pub, &x509.Certificate{
		Subject:               pkix.Name{CommonName: node.String()},
		SubjectKeyId:          node[:8],
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	})
}

func (i issuer) sign(pub *ecdsa.PublicKey, tmpl *x509.Certificate) ([][]byte, error) {
	tmpl.NotBefore, tmpl.NotAfter = notBefore, notAfter
	tmpl.SerialNumber = newSerial()
	der, err := x509.CreateCertificate(rand.Reader, tmpl, i.cert, pub, i.key)
	if err != nil {
		return nil, fmt.Errorf("identity: issue certificate: %w", err)
	}
	return append([][]byte{der}, i.above...), nil
}

// newRoot makes the office's root certificate; its common name is the office's
// name.
func newRoot(office string, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	node, err := nodeOfKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{Organization: []string{"chordophone office"}, CommonName: office},
		SubjectKeyId:          node[:8],
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLen:            overlay.MaxChain - 1,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("identity: make root certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// newSerial is a random positive number of at most 8 octets.
func newSerial() *big.Int {
	var b [8]byte
	rand.Read(b[:])
	return new(big.Int).SetUint64(binary.BigEndian.Uint64(b[:])>>1 | 1)
}

// nodeOfKey is the Node-ID that belongs to a key: see the package comment.
func nodeOfKey(pub *ecdsa.PublicKey) (overlay.ID, error) {
	spki, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return overlay.ID{}, err
	}
	return nodeOfSPKI(spki), nil
}

func nodeOfSPKI(spki []byte) overlay.ID {
	h := sha256.Sum256(spki)
	return overlay.ID(h[:16])
}

// nodeURI is the RELOAD URI of a node. // RFC 6940, section 14.15
func nodeURI(node overlay.ID, office string) string {
	// Destination: type node(1), length 16. // RFC 6940, section 6.3.2.2
	return "reload://0110" + hex.EncodeToString(node[:]) + "@" + office + "/"
}

func userName(ext int, office string) string { return strconv.Itoa(ext) + "@" + office }

// parseUser is the extension in a user name of the office.
func parseUser(user, office string) (int, error) {
	number, domain, ok := strings.Cut(user, "@")
	ext, err := strconv.Atoi(number)
	if !ok || err != nil || domain != office || userName(ext, office) != user || CheckExtension(ext) != nil {
		return 0, fmt.Errorf("user name %q", user)
	}
	return ext, nil
}

// CheckExtension says whether n can be an extension. The error is ErrExtension.
func CheckExtension(n int) error {
	if n < 1 || n > 999999 {
		return fmt.Errorf("%d: %w", n, ErrExtension)
	}
	return nil
}

// AppendChain appends the octets of a certificate chain: each certificate with a
// length of two octets before it. It is the value of an OFFICE-MEMBER record.
func AppendChain(b []byte, chain [][]byte) []byte {
	for _, c := range chain {
		b = binary.BigEndian.AppendUint16(b, uint16(len(c)))
		b = append(b, c...)
	}
	return b
}

// ParseChain reads what AppendChain wrote. The certificates share memory with b.
func ParseChain(b []byte) ([][]byte, error) {
	var chain [][]byte
	for s := cryptobyte.String(b); !s.Empty(); {
		var c cryptobyte.String
		if !s.ReadUint16LengthPrefixed(&c) || len(c) == 0 || len(c) > overlay.MaxCert || len(chain) == overlay.MaxChain {
			return nil, errors.New("identity: malformed certificate chain")
		}
		chain = append(chain, c)
	}
	return chain, nil
}
