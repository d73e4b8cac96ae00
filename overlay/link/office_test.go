package link

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// office is a small certification authority: a root and one enroller below it,
// so that chains have two certificates.
type office struct {
	t        testing.TB
	name     string
	root     *x509.Certificate
	enroller *x509.Certificate
	key      *ecdsa.PrivateKey // of the enroller
}

func newOffice(t testing.TB, name string) *office {
	t.Helper()
	rootKey, key := newKey(t), newKey(t)
	root := issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, &rootKey.PublicKey, rootKey)
	enroller := issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name + " enroller"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, root, &key.PublicKey, rootKey)
	return &office{t, name, root, enroller, key}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func issue(t testing.TB, tmpl, parent *x509.Certificate, pub *ecdsa.PublicKey, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	tmpl.SerialNumber = big.NewInt(time.Now().UnixNano())
	tmpl.NotBefore, tmpl.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if parent == nil {
		parent = tmpl
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// phone is one member: what Config needs to know of it.
type phone struct {
	office *office
	id     overlay.ID
	key    *ecdsa.PrivateKey
	chain  [][]byte
}

func (o *office) phone(id overlay.ID) *phone {
	o.t.Helper()
	key := newKey(o.t)
	leaf := issue(o.t, &x509.Certificate{
		Subject: pkix.Name{CommonName: id.String()}, KeyUsage: x509.KeyUsageDigitalSignature,
	}, o.enroller, &key.PublicKey, o.key)
	return &phone{o, id, key, [][]byte{leaf.Raw, o.enroller.Raw}}
}

func nodeOf(cs tls.ConnectionState) (overlay.ID, error) {
	return overlay.ParseID(cs.PeerCertificates[0].Subject.CommonName)
}

var errTest = errors.New("not of this office")

func (o *office) verifyChain(chain [][]byte) (*x509.Certificate, error) {
	roots, above := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(o.root)
	var leaf *x509.Certificate
	for i, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			leaf = c
		} else {
			above.AddCert(c)
		}
	}
	if leaf == nil {
		return nil, errTest
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: above, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return leaf, err
}

func (p *phone) tls(peer overlay.ID) *tls.Config {
	return &tls.Config{
		Certificates:       []tls.Certificate{{Certificate: p.chain, PrivateKey: p.key}},
		MinVersion:         tls.VersionTLS13,
		ClientAuth:         tls.RequireAnyClientCert,
		InsecureSkipVerify: true,
		VerifyConnection: func(cs tls.ConnectionState) error {
			var chain [][]byte
			for _, c := range cs.PeerCertificates {
				chain = append(chain, c.Raw)
			}
			if _, err := p.office.verifyChain(chain); err != nil {
				return err
			}
			if id, err := nodeOf(cs); err != nil || !peer.IsZero() && id != peer {
				return errTest
			}
			return nil
		},
	}
}

func (p *phone) sign(msg []byte) (overlay.Signature, error) {
	h := sha256.Sum256(msg)
	sig, err := ecdsa.SignASN1(rand.Reader, p.key, h[:])
	return overlay.Signature{Chain: p.chain, Sig: sig}, err
}

func (o *office) verify(msg []byte, s overlay.Signature) (overlay.ID, error) {
	leaf, err := o.verifyChain(s.Chain)
	if err != nil {
		return overlay.ID{}, err
	}
	h := sha256.Sum256(msg)
	if !ecdsa.VerifyASN1(leaf.PublicKey.(*ecdsa.PublicKey), h[:], s.Sig) {
		return overlay.ID{}, errTest
	}
	return overlay.ParseID(leaf.Subject.CommonName)
}

// record is a signed record of the phone.
func (p *phone) record(resource overlay.ID, kind overlay.Kind, value string) overlay.Record {
	r := overlay.Record{
		Resource: resource, Kind: kind, Key: p.id[:], Version: overlay.MakeVersion(1, 2),
		Lifetime: time.Hour, Value: []byte(value), Owner: p.id,
	}
	if value == "" {
		r.Removed = true
	}
	r.Chain = p.chain
	sig, err := p.sign(r.SignedBytes())
	if err != nil {
		p.office.t.Fatal(err)
	}
	r.Signature = sig
	return r
}

func (p *phone) config() Config {
	return Config{
		Self:   overlay.Peer{ID: p.id, Addr: netip.MustParseAddrPort("127.0.0.1:0")},
		Office: p.office.name,
		TLS:    p.tls, ServerTLS: p.tls(overlay.ID{}),
		NodeOf: nodeOf, Sign: p.sign, Verify: p.office.verify,
	}
}

// patience is for what must come, on a machine that has much else to do.
const patience = 30 * time.Second

// running is a Link and the end of its Run.
type running struct {
	*Link
	*phone
	t    testing.TB
	stop func()
	tx   atomic.Uint64 // of the last message
}

// run starts a link; the test does not end before Run has.
func run(t testing.TB, p *phone, change ...func(*Config)) *running {
	t.Helper()
	cfg := p.config()
	for _, f := range change {
		f(&cfg)
	}
	l, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l.dialTime = patience
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
	t.Cleanup(stop)
	return &running{Link: l, phone: p, t: t, stop: stop}
}

// to makes a message of this node to another.
func (r *running) to(to overlay.ID, body chord.Body) chord.Message {
	return chord.Message{Tx: r.tx.Add(1), From: r.Self(), To: []chord.Dest{{ID: to}}, TTL: 100, Body: body}
}

// next is the next event.
func (r *running) next() chord.Event {
	r.t.Helper()
	select {
	case ev := <-r.Events():
		return ev
	case <-time.After(patience):
		r.t.Fatalf("%s: no event; %+v", r.id.Short(), r.Stats())
		return nil
	}
}

func (r *running) receive() chord.Receive {
	r.t.Helper()
	ev := r.next()
	got, ok := ev.(chord.Receive)
	if !ok {
		r.t.Fatalf("%s: %#v instead of a message; %+v", r.id.Short(), ev, r.Stats())
	}
	return got
}

func (r *running) lost(id overlay.ID) {
	r.t.Helper()
	if ev := r.next(); ev != (chord.Lost{Peer: id}) {
		r.t.Fatalf("%s: %#v instead of the loss of %s", r.id.Short(), ev, id.Short())
	}
}

// eventually waits for a condition that nothing announces.
func (r *running) eventually(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("%s: %s did not happen; %+v", r.id.Short(), what, r.Stats())
		}
	}
}

func node(b byte) overlay.ID { return overlay.ID(bytes.Repeat([]byte{b}, 16)) }
