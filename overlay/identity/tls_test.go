package identity

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/url"
	"testing"
	"time"

	"chordophone/overlay"
)

// shake does a handshake and returns what each side said. It takes a socket: on a
// net.Pipe two sides that both send an alert wait for each other.
func shake(t *testing.T, server, client *tls.Config) (cs tls.ConnectionState, serverErr, clientErr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	a, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s, c := tls.Server(a, server), tls.Client(b, client)
	done := make(chan error)
	go func() {
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x")) // a client knows only now that it was accepted
		}
		s.Close()
		done <- err
	}()
	clientErr = c.Handshake()
	if clientErr == nil {
		_, clientErr = c.Read(make([]byte, 1))
	}
	cs = c.ConnectionState()
	b.Close()
	return cs, <-done, clientErr
}

func TestMembersConnect(t *testing.T) {
	founder := found(t, "acme")
	second := enrolled(t, founder, 102)
	third := enrolled(t, second, 103)
	for _, p := range [][2]*Identity{{founder, second}, {second, founder}, {founder, third}, {third, second}, {second, third}} {
		for _, peer := range []overlay.ID{{}, p[0].ID()} {
			cs, err1, err2 := shake(t, p[0].ServerTLS(), p[1].ClientTLS(peer))
			if err1 != nil || err2 != nil {
				t.Fatalf("%s to %s: %v, %v", p[1].User(), p[0].User(), err1, err2)
			}
			node, err := NodeOf(cs)
			if node != p[0].ID() || err != nil {
				t.Errorf("connected to node %v, %v", node, err)
			}
			if user, err := p[1].PeerOf(cs); user != p[0].User() || err != nil {
				t.Errorf("connected to %v, %v", user, err)
			}
			if cs.Version != tls.VersionTLS13 || cs.NegotiatedProtocol != ALPN {
				t.Errorf("version %x, protocol %q", cs.Version, cs.NegotiatedProtocol)
			}
		}
		if cs, err1, err2 := shake(t, p[0].SIPServerTLS(), p[1].SIPClientTLS()); err1 != nil || err2 != nil || cs.NegotiatedProtocol != sipALPN {
			t.Errorf("SIP: %v, %v, %q", err1, err2, cs.NegotiatedProtocol)
		}
	}
	_, _, err := shake(t, founder.ServerTLS(), second.ClientTLS(third.ID()))
	wantErr(t, "another node answers", err, ErrUntrusted)
	if _, serverErr, _ := shake(t, founder.ServerTLS(), second.SIPClientTLS()); serverErr == nil {
		t.Error("a connection without the overlay's protocol was accepted on its port")
	}
	if _, err := NodeOf(tls.ConnectionState{}); err == nil {
		t.Error("nobody has a Node-ID")
	}
}

// forge signs a leaf for key that differs in what edit does.
func forge(t *testing.T, by issuer, key *ecdsa.PrivateKey, edit func(*x509.Certificate)) [][]byte {
	t.Helper()
	node, err := nodeOfKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := leafTemplate(node, 102, by.office)
	tmpl.SerialNumber, tmpl.NotBefore, tmpl.NotAfter = newSerial(), notBefore, notAfter
	edit(tmpl)
	der, err := x509.CreateCertificate(rand.Reader, tmpl, by.cert, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	return append([][]byte{der}, by.above...)
}

// Nobody who is not a member gets in, nor is taken for one when he listens.
func TestBadIdentities(t *testing.T) {
	office := found(t, "acme")
	second := enrolled(t, office, 102)
	revoked := enrolled(t, office, 103)
	byRevoked := enrolled(t, revoked, 104)
	office.Refuse([]Revocation{{Node: revoked.ID()}})
	third := enrolled(t, second, 105)

	root := issuer{office: "acme", cert: office.root, key: office.rootKey}
	key, _ := newKey()
	own := func(edit func(*x509.Certificate)) tls.Certificate {
		return tls.Certificate{Certificate: forge(t, root, key, edit), PrivateKey: key}
	}
	of := func(id *Identity) tls.Certificate {
		return tls.Certificate{Certificate: id.chain, PrivateKey: id.key}
	}
	otherNode, _ := url.Parse(nodeURI(second.ID(), "acme"))
	otherOffice, _ := url.Parse(nodeURI(overlay.ID{}, "other"))
	selfSigned := issuer{office: "acme", key: key, cert: &x509.Certificate{}}
	fakeRoot, _ := newRoot("acme", key)
	byLeaf := issuer{office: "acme", key: second.key, above: second.chain} // a leaf is no authority
	byLeaf.cert, _ = x509.ParseCertificate(second.chain[0])

	bad := map[string]tls.Certificate{
		"none":                  {},
		"self-signed":           {Certificate: forge(t, selfSigned, key, func(*x509.Certificate) {}), PrivateKey: key},
		"other office's root":   of(found(t, "acme")),
		"own root of that name": {Certificate: append(forge(t, issuer{office: "acme", cert: fakeRoot, key: key}, key, func(*x509.Certificate) {}), fakeRoot.Raw), PrivateKey: key},
		"expired":               own(func(c *x509.Certificate) { c.NotAfter = time.Unix(1, 0) }),
		"expires":               own(func(c *x509.Certificate) { c.NotAfter = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) }),
		"not yet valid":         own(func(c *x509.Certificate) { c.NotBefore = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) }),
		"only for servers":      own(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] }),
		"only for clients":      own(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] }),
		"for mail":              own(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} }),
		"for nothing":           own(func(c *x509.Certificate) { c.ExtKeyUsage = nil }),
		"revoked":               of(revoked),
		"enrolled by revoked":   of(byRevoked),
		"another's certificate": {Certificate: second.chain, PrivateKey: key},
		"another's Node-ID":     own(func(c *x509.Certificate) { c.URIs = []*url.URL{otherNode} }),
		"two Node-IDs":          own(func(c *x509.Certificate) { c.URIs = append(c.URIs, otherNode) }),
		"no Node-ID":            own(func(c *x509.Certificate) { c.URIs = nil }),
		"two user names":        own(func(c *x509.Certificate) { c.EmailAddresses = append(c.EmailAddresses, "101@acme") }),
		"no user name":          own(func(c *x509.Certificate) { c.EmailAddresses = nil }),
		"name of other office":  own(func(c *x509.Certificate) { c.EmailAddresses[0] = "102@other" }),
		"no extension":          own(func(c *x509.Certificate) { c.EmailAddresses[0] = "0102@acme" }),
		"URI of other office":   own(func(c *x509.Certificate) { c.URIs = []*url.URL{otherOffice} }),
		"a subject":             own(func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: "102"} }),
		"a host name":           own(func(c *x509.Certificate) { c.DNSNames = []string{"acme"} }),
		"an authority": own(func(c *x509.Certificate) {
			c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, c.KeyUsage|x509.KeyUsageCertSign
		}),
		"signed by a leaf":     {Certificate: forge(t, byLeaf, key, func(*x509.Certificate) {}), PrivateKey: key},
		"enroller certificate": {Certificate: second.enroller, PrivateKey: second.key},
		"chain cut off":        {Certificate: third.chain[:1], PrivateKey: third.key},
		"chain too long":       {Certificate: append(append([][]byte{}, third.chain...), second.chain[0]), PrivateKey: third.key},
		"with the root":        {Certificate: append(append([][]byte{}, second.chain...), office.Root()), PrivateKey: second.key},
		"root itself":          {Certificate: [][]byte{office.Root()}, PrivateKey: office.rootKey},
	}
	for name, cert := range bad {
		client := second.ClientTLS(overlay.ID{})
		client.Certificates = []tls.Certificate{cert}
		client.VerifyConnection = nil
		if _, err, _ := shake(t, office.ServerTLS(), client); err == nil {
			t.Errorf("%s: let in", name)
		}
		if len(cert.Certificate) > 0 {
			server := second.ServerTLS()
			server.Certificates = []tls.Certificate{cert}
			server.VerifyConnection = nil
			if _, _, err := shake(t, server, office.ClientTLS(overlay.ID{})); err == nil {
				t.Errorf("%s: taken for a member", name)
			}
		}
	}

	old := second.ClientTLS(overlay.ID{})
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	if _, err, _ := shake(t, office.ServerTLS(), old); err == nil {
		t.Error("TLS 1.2: let in")
	}
	old.NextProtos = []string{EnrolALPN}
	if _, err, _ := shake(t, office.ServerTLS(), old); err == nil {
		t.Error("TLS 1.2: let in to enrolment")
	}
	// The way without certificate leads to enrolment only.
	stranger := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{ALPN, EnrolALPN}}
	if cs, _, err := shake(t, office.ServerTLS(), stranger); err != nil || cs.NegotiatedProtocol != EnrolALPN {
		t.Errorf("stranger: protocol %q, %v", cs.NegotiatedProtocol, err)
	}

	// Negative control: the harness lets in whom it should.
	good := tls.Certificate{Certificate: forge(t, root, key, func(*x509.Certificate) {}), PrivateKey: key}
	for name, cert := range map[string]tls.Certificate{"a new member": good, "second": of(second), "third": of(third)} {
		client := second.ClientTLS(overlay.ID{})
		client.Certificates = []tls.Certificate{cert}
		if _, err, err2 := shake(t, office.ServerTLS(), client); err != nil || err2 != nil {
			t.Errorf("%s: %v, %v", name, err, err2)
		}
	}
}
