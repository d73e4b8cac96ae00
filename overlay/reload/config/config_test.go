package config

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"chordophone/overlay"
	"chordophone/overlay/identity"
)

// signer is a member in a world where a certificate is a Node-ID and a signature
// a hash.
type signer overlay.ID

func (s signer) Chain() [][]byte { return [][]byte{s[:]} }

func (s signer) Sign(msg []byte) (overlay.Signature, error) {
	h := sha256.Sum256(append(msg, s[:]...))
	return overlay.Signature{Chain: s.Chain(), Sig: h[:]}, nil
}

var errForged = errors.New("forged")

func verify(msg []byte, s overlay.Signature) (overlay.ID, error) {
	if len(s.Chain) != 1 || len(s.Chain[0]) != 16 {
		return overlay.ID{}, errForged
	}
	id := overlay.ID(s.Chain[0])
	if want, _ := signer(id).Sign(bytes.Clone(msg)); !bytes.Equal(want.Sig, s.Sig) {
		return overlay.ID{}, errForged
	}
	return id, nil
}

func node(b byte) overlay.ID { return overlay.ID(bytes.Repeat([]byte{b}, 16)) }

var equate = cmp.Options{cmpopts.IgnoreUnexported(Document{}, Kind{}), cmpopts.EquateComparable(netip.AddrPort{}), cmpopts.EquateEmpty()}

// founded is the first document of an office, and what it says.
func founded(t testing.TB) (*Document, []byte) {
	t.Helper()
	d := New("office.example", node(1), []byte("root"))
	d.Bootstrap = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:6084"), netip.MustParseAddrPort("[2001:db8::1]:7000")}
	d.BadNodes = []overlay.ID{node(8), node(9)}
	return d, signed(t, d, 1)
}

func signed(t testing.TB, d *Document, by byte) []byte {
	t.Helper()
	octets, err := d.Sign(signer(node(by)))
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

func TestRoundTrip(t *testing.T) {
	want, octets := founded(t)
	got, err := Parse(octets, want.Office)
	if err != nil {
		t.Fatalf("%v in\n%s", err, octets)
	}
	if diff := cmp.Diff(want, got, equate); diff != "" {
		t.Error(diff)
	}
	if err := got.Verify(verify, nil); err != nil {
		t.Error(err)
	}
	if _, err := Parse(octets, "other.example"); !errors.Is(err, ErrOffice) {
		t.Errorf("%v, want %v", err, ErrOffice)
	}
}

// TestIdentity has a phone sign that really is one.
func TestIdentity(t *testing.T) {
	founder, err := identity.Found("office.example", 0)
	if err != nil {
		t.Fatal(err)
	}
	d := New(founder.Office(), founder.ID(), founder.Root())
	octets, err := d.Sign(founder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(octets, founder.Office(), founder.Verify); err != nil {
		t.Error(err)
	}
	stranger, err := identity.Found("office.example", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(octets, founder.Office(), stranger.Verify); !errors.Is(err, ErrSigner) {
		t.Errorf("%v, want %v", err, ErrSigner)
	}
}

// TestDefaults: a document that says little. "If missing, the default is ..."
// RFC 6940, section 11.1
func TestDefaults(t *testing.T) {
	_, octets := founded(t)
	signature := string(octets[bytes.LastIndex(octets, []byte("<signature>")):bytes.LastIndex(octets, []byte("</overlay>"))])
	d, err := Parse([]byte(`<?xml version="1.0" encoding="UTF-8"?>
<p:overlay xmlns:p="urn:ietf:params:xml:ns:p2p:config-base" xmlns="urn:ietf:params:xml:ns:p2p:config-base" xmlns:ext="urn:x">
  <configuration instance-name="other.example"></configuration> <signature/>
  <p:configuration instance-name="a" sequence="22" expiration="2002-10-10T07:00:00Z" ext:ext-example="stuff">
    <root-cert> cm
       9vdA== </root-cert>
    <no-ice> 1 </no-ice> <!-- not ICE -->
    <configuration-signer> 01010101010101010101010101010101 </configuration-signer>
    <bootstrap-node address="192.0.2.1"/>
    <ext:example> <ext:deeper/> foo </ext:example>
  </p:configuration>`+signature+`</p:overlay>`), "a")
	if err != nil {
		t.Fatal(err)
	}
	want := &Document{
		Office: "a", Sequence: 22, Expiration: time.Date(2002, 10, 10, 7, 0, 0, 0, time.UTC),
		RootCerts: [][]byte{[]byte("root")}, MaxMessage: 5000, InitialTTL: 100, Reactive: true,
		Bootstrap:   []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:6084")},
		Reliability: 3 * time.Second, UpdateInterval: 600 * time.Second, PingInterval: time.Hour,
		ConfigSigners: []overlay.ID{node(1)},
	}
	if diff := cmp.Diff(want, d, equate); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkParse(b *testing.B) {
	d, octets := founded(b)
	b.SetBytes(int64(len(octets)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(octets, d.Office); err != nil {
			b.Fatal(err)
		}
	}
}
