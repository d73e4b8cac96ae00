package siptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"
)

// Office makes certificates that vouch for users.
type Office struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

// NewOffice makes an office of its own root, valid at any time that a test has.
func NewOffice(t testing.TB) *Office {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o := &Office{t: t, key: key}
	o.cert = o.sign(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "office"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, &key.PublicKey)
	o.pool = x509.NewCertPool()
	o.pool.AddCert(o.cert)
	return o
}

func (o *Office) sign(template, parent *x509.Certificate, pub *ecdsa.PublicKey) *x509.Certificate {
	o.t.Helper()
	template.NotBefore = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC) // a bubble begins in 2000
	template.NotAfter = time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC)
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, o.key)
	if err != nil {
		o.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		o.t.Fatal(err)
	}
	return cert
}

// TLS is a new certificate for user ("102@office") as both sides use it.
func (o *Office) TLS(user string) (server, client *tls.Config) {
	o.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		o.t.Fatal(err)
	}
	cert := o.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: user},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, o.cert, &key.PublicKey)
	own := []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}}
	// Telephones have no host names: the chain is checked, and PeerUser says who it is.
	verify := func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return errors.New("siptest: no certificate")
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: o.pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		return err
	}
	server = &tls.Config{MinVersion: tls.VersionTLS13, Certificates: own, ClientAuth: tls.RequireAnyClientCert, VerifyConnection: verify, SessionTicketsDisabled: true}
	client = &tls.Config{MinVersion: tls.VersionTLS13, Certificates: own, InsecureSkipVerify: true, VerifyConnection: verify}
	return server, client
}

// StackTLS is as TLS, for package stack: the server asks for a certificate and takes
// who shows none or a foreign one. PeerUser of this office then says who it is.
func (o *Office) StackTLS(user string) (server, client *tls.Config) {
	o.t.Helper()
	server, client = o.TLS(user)
	server.ClientAuth, server.VerifyConnection, server.MinVersion = tls.RequestClientCert, nil, tls.VersionTLS12
	return server, client
}

// PeerUser verifies a certificate and says whom it vouches for.
func (o *Office) PeerUser(s tls.ConnectionState) (string, error) {
	if len(s.PeerCertificates) == 0 {
		return "", errors.New("siptest: no certificate")
	}
	if _, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: o.pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return "", err
	}
	return s.PeerCertificates[0].Subject.CommonName, nil
}

// PeerUser reads the user out of a certificate that TLS has verified.
func PeerUser(s tls.ConnectionState) (string, error) {
	if len(s.PeerCertificates) == 0 {
		return "", errors.New("siptest: no certificate")
	}
	return s.PeerCertificates[0].Subject.CommonName, nil
}
