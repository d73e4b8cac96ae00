package identity

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"
)

// serve does a handshake as a server and returns what it knows of the client.
func serve(t *testing.T, server, client *tls.Config) (cs tls.ConnectionState, err error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := tls.Dial("tcp", l.Addr().String(), client); err == nil {
			c.Read(make([]byte, 1))
			c.Close()
		}
	}()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s := tls.Server(c, server)
	err = s.Handshake()
	cs = s.ConnectionState()
	s.Close()
	<-done
	return cs, err
}

// SIP over TLS is open to clients without a certificate of the office, and none of
// them is taken for a phone (threat T1).
func TestStrangersOfSIP(t *testing.T) {
	office := found(t, "acme")
	second := enrolled(t, office, 102)
	revoked := enrolled(t, office, 103)
	byRevoked := enrolled(t, revoked, 104)
	office.Refuse([]Revocation{{Node: revoked.ID()}})
	key, _ := newKey()
	root := issuer{office: "acme", cert: office.root, key: office.rootKey}
	fakeRoot, _ := newRoot("acme", key)
	of := func(id *Identity) tls.Certificate {
		return tls.Certificate{Certificate: id.chain, PrivateKey: id.key}
	}
	strangers := map[string]*tls.Config{
		"none":                  {},
		"TLS 1.2":               {MaxVersion: tls.VersionTLS12},
		"member over TLS 1.2":   {MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{of(second)}},
		"foreign office":        {Certificates: []tls.Certificate{of(enrolled(t, found(t, "acme"), 102))}},
		"other office's name":   {Certificates: []tls.Certificate{of(found(t, "other"))}},
		"self-signed":           {Certificates: []tls.Certificate{{Certificate: forge(t, issuer{office: "acme", key: key, cert: &x509.Certificate{}}, key, func(*x509.Certificate) {}), PrivateKey: key}}},
		"own root of that name": {Certificates: []tls.Certificate{{Certificate: forge(t, issuer{office: "acme", cert: fakeRoot, key: key}, key, func(*x509.Certificate) {}), PrivateKey: key}}},
		"revoked":               {Certificates: []tls.Certificate{of(revoked)}},
		"enrolled by revoked":   {Certificates: []tls.Certificate{of(byRevoked)}},
		"expired":               {Certificates: []tls.Certificate{{Certificate: forge(t, root, key, func(c *x509.Certificate) { c.NotAfter = time.Unix(1, 0) }), PrivateKey: key}}},
		"for servers only":      {Certificates: []tls.Certificate{{Certificate: forge(t, root, key, func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] }), PrivateKey: key}}},
		"enroller certificate":  {Certificates: []tls.Certificate{{Certificate: second.enroller, PrivateKey: second.key}}},
	}
	for name, client := range strangers {
		client.InsecureSkipVerify = true
		// Existing clients are not even asked for a certificate: some would ask their user.
		if cs, err := serve(t, office.SIPServerTLS(), client.Clone()); err != nil || len(cs.PeerCertificates) > 0 {
			t.Errorf("%s: %d certificates, %v", name, len(cs.PeerCertificates), err)
		}
		if client.MaxVersion == tls.VersionTLS12 {
			continue // members speak nothing below 1.3
		}
		client.NextProtos = []string{sipALPN}
		cs, err := serve(t, office.SIPServerTLS(), client)
		if err != nil {
			t.Errorf("%s: a client was refused: %v", name, err)
			continue
		}
		if len(client.Certificates) > 0 != (len(cs.PeerCertificates) > 0) {
			t.Errorf("%s: %d certificates came", name, len(cs.PeerCertificates))
		}
		if user, err := office.PeerOf(cs); err == nil || user != "" {
			t.Errorf("%s: taken for %q", name, user)
		}
	}
	// Who shows a member's certificate without its key does not get in at all.
	thief := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{sipALPN}, Certificates: []tls.Certificate{{Certificate: second.chain, PrivateKey: key}}}
	if _, err := serve(t, office.SIPServerTLS(), thief); err == nil {
		t.Error("another's certificate: let in")
	}
	for name, client := range map[string]*tls.Config{
		"TLS 1.1": {InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"CBC":     {InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}},
	} {
		if _, err := serve(t, office.SIPServerTLS(), client); err == nil {
			t.Errorf("%s: let in", name)
		}
	}
	// Negative control.
	cs, err := serve(t, office.SIPServerTLS(), second.SIPClientTLS())
	if err != nil {
		t.Fatal(err)
	}
	if user, err := office.PeerOf(cs); user != second.User() || err != nil {
		t.Errorf("a member is %q, %v", user, err)
	}
	// A phone that connects is as strict as ever.
	for name, client := range strangers {
		if len(client.Certificates) == 0 || client.MaxVersion != 0 {
			continue
		}
		server := &tls.Config{Certificates: client.Certificates, NextProtos: []string{sipALPN}, ClientAuth: tls.RequestClientCert}
		if _, _, err := shake(t, server, office.SIPClientTLS()); err == nil {
			t.Errorf("%s: taken for a phone by one that called it", name)
		}
	}
}
