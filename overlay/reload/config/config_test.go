package config

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"chordophone/overlay"
	"chordophone/overlay/identity"
	"chordophone/overlay/reload"
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

func TestRefused(t *testing.T) {
	_, good := founded(t)
	for _, tt := range []struct {
		old, new string
		want     error
	}{
		{"CHORD-RELOAD", "KADEMLIA", ErrUnsupported},
		{">16<", ">20<", ErrUnsupported},
		{"<no-ice>true", "<no-ice>false", ErrUnsupported},
		{"<no-ice>true", "<no-ice>TRUE", ErrMalformed},
		{">TLS<", ">SCTP<", ErrUnsupported},
		{"<turn-density>0</turn-density>", "<shared-secret>x</shared-secret>", ErrUnsupported},
		{"<turn-density>0</turn-density>", `<self-signed-permitted digest="sha1">true</self-signed-permitted>`, ErrUnsupported},
		{"<turn-density>0</turn-density>", "<mandatory-extension>urn:x</mandatory-extension>", ErrUnsupported},
		{"<turn-density>0</turn-density>", "<no-ice>true</no-ice>", ErrMalformed},
		{"<turn-density>0</turn-density>", "<colour>red</colour>", ErrMalformed},
		{"<turn-density>0</turn-density>", `<colour xmlns="">red</colour>`, ErrMalformed},
		{"<turn-density>0</turn-density>", "<chord:colour>red</chord:colour>", ErrMalformed},
		{`sequence="1"`, `sequence="65535"`, ErrMalformed},
		{`sequence="1"`, `sequence="-1"`, ErrMalformed},
		{`sequence="1"`, ``, ErrMalformed},
		{`9999-12-31T23:59:59Z`, `tomorrow`, ErrMalformed},
		{">500<", ">199<", ErrMalformed}, // "The value MUST be at least 200 milliseconds"
		{fmt.Sprint(">", reload.MaxMessage, "<"), ">2000000<", ErrUnsupported},
		{node(1).String(), "0101", ErrMalformed},
		{`address="192.0.2.1"`, `address="phone"`, ErrMalformed},
		{`port="6084"`, `port="70000"`, ErrMalformed},
		{"<data-model>DICTIONARY", "<data-model>TREE", ErrMalformed},
		{"<max-size>", "<max-count>", ErrMalformed},
		{`<kind name="SIP-REGISTRATION">`, `<kind name="WEATHER">`, ErrUnsupported},
		{`<kind name="SIP-REGISTRATION">`, `<kind>`, ErrMalformed},
		{`<kind name="SIP-REGISTRATION">`, `<kind id="4026531841">`, ErrMalformed}, // twice
		{`<kind name="SIP-REGISTRATION">`, `<kind id="4294967296">`, ErrMalformed},
		{"<kind-signature>", "<kind-signature>!", ErrMalformed},
		{"<signature>", "<signature>AA", ErrMalformed},
		{"<signature>", "<seal>", ErrMalformed},
		{"<overlay", "<overlap", ErrMalformed},
		{"<?xml", "<!DOCTYPE overlay [<!ENTITY a \"b\">]><?xml", ErrMalformed},
		{"CHORD-RELOAD", "&a;", ErrMalformed},
		{"</overlay>", "</overlay><overlay/>", ErrMalformed},
		{"</overlay>", "</overlay>x", ErrMalformed},
		{`encoding="UTF-8"`, `encoding="UTF-7"`, ErrMalformed},
		{"<turn-density>", strings.Repeat("<e:a xmlns:e='urn:x'>", maxDepth+1), ErrMalformed},
		{"<turn-density>", strings.Repeat("<e:a xmlns:e='urn:x'/>", maxElements+1), ErrMalformed},
		{"<turn-density>", strings.Repeat("<bad-node>"+node(3).String()+"</bad-node>", maxIDs+1) + "<turn-density>", ErrMalformed},
		{"<turn-density>", strings.Repeat(" ", MaxDocument), ErrMalformed},
	} {
		bad := strings.Replace(string(good), tt.old, tt.new, 1)
		if tt.old == "<overlay" {
			bad = strings.ReplaceAll(string(good), "overlay", "overlap")
		}
		if bad == string(good) {
			t.Errorf("no %q to replace", tt.old)
		}
		if _, err := Parse([]byte(bad), "office.example"); !errors.Is(err, tt.want) {
			t.Errorf("%.60q in place of %q: %v, want %v", tt.new, tt.old, err, tt.want)
		}
	}
}

// TestTamper: whatever octet of the configuration is changed, or where the
// document is cut, it is refused. "The configuration element MUST be treated as a
// binary blob that cannot be changed -- including any whitespace changes".
func TestTamper(t *testing.T) {
	_, good := founded(t)
	start, end := bytes.Index(good, []byte("<configuration ")), bytes.Index(good, []byte("</configuration>"))
	for i := start; i < end; i++ {
		for _, v := range []byte{' ', '0', good[i] ^ 1} {
			if v == good[i] {
				continue
			}
			bad := bytes.Clone(good)
			bad[i] = v
			d, err := Parse(bad, "office.example")
			if err == nil {
				err = d.Verify(verify, nil)
			}
			if err == nil {
				t.Fatalf("%q in place of %q at %d: %s", v, good[i], i, good[max(0, i-20):i+20])
			}
		}
	}
	for n := range bytes.TrimSpace(good) {
		if _, err := Parse(good[:n], "office.example"); err == nil {
			t.Fatalf("%d of %d octets parse", n, len(good))
		}
	}
	spaced := bytes.Replace(good, []byte("<turn-density>"), []byte("\n<turn-density>"), 1)
	d, err := Parse(spaced, "office.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Verify(verify, nil); !errors.Is(err, ErrSigner) {
		t.Errorf("%v, want %v", err, ErrSigner)
	}
}

// TestSuccession is who may put what in force after what.
func TestSuccession(t *testing.T) {
	first, _ := founded(t)
	first.ConfigSigners = append(first.ConfigSigners, node(2))
	previous, err := Parse(signed(t, first, 1), first.Office)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		by     byte
		change func(*Document)
		want   error
	}{
		{"by the founder", 1, func(*Document) {}, nil},
		{"by another signer", 2, func(d *Document) { d.KindSigners = []overlay.ID{node(2)} }, nil},
		{"by one who signs from now on", 3, func(d *Document) { d.ConfigSigners = []overlay.ID{node(3)}; d.KindSigners = d.ConfigSigners }, ErrSigner},
		{"by a bad node", 2, func(d *Document) { d.BadNodes = append(d.BadNodes, node(2)); d.KindSigners = []overlay.ID{node(2)} }, ErrSigner},
		{"kinds by another", 1, func(d *Document) { d.KindSigners = []overlay.ID{node(4)} }, ErrSigner},
		{"the same number", 1, func(d *Document) { d.Sequence = 1 }, ErrSequence},
		{"a smaller one", 1, func(d *Document) { d.Sequence = 0 }, ErrSequence},
		{"one that went round", 1, func(d *Document) { d.Sequence = 40000 }, ErrSequence},
		{"another office", 1, func(d *Document) { d.Office = "other.example" }, ErrOffice},
		{"another root", 1, func(d *Document) { d.RootCerts = [][]byte{[]byte("other")} }, ErrUnsupported},
		{"a kind that is not ours", 1, func(d *Document) { d.Kinds[0].ID = 0xf0000077 }, ErrKind},
		{"another access", 1, func(d *Document) { d.Kinds[0].Access = NodeMatch }, ErrKind},
		{"too large values", 1, func(d *Document) { d.Kinds[0].MaxSize = 1 << 20 }, ErrKind},
	} {
		d, _ := founded(t)
		d.Sequence = 2
		tt.change(d)
		next, err := Parse(signed(t, d, tt.by), d.Office)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if err := next.Verify(verify, previous); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// code is the error code in a refusal; 0: none.
func code(t *testing.T, err error) uint16 {
	t.Helper()
	var r reload.Refusal
	if err != nil && !errors.As(err, &r) {
		t.Errorf("no refusal: %v", err)
	}
	return r.ErrorCode
}

func TestCurrent(t *testing.T) {
	d, octets := founded(t)
	c, err := Open(octets, d.Office, verify)
	if err != nil {
		t.Fatal(err)
	}
	var changed []uint16
	c.OnChange(func(d *Document, octets []byte) {
		changed = append(changed, d.Sequence)
		if c.Get() != d || !bytes.Equal(c.Document(), octets) { // while its disk is busy others read on
			t.Error("told of what is not in force")
		}
	})
	update := func(octets []byte) uint16 {
		t.Helper()
		return code(t, c.Update(node(7), reload.ConfigUpdateReq{Type: reload.ConfigDocument, Document: octets}))
	}
	d.Sequence = 2
	second := signed(t, d, 1)
	for _, tt := range []struct {
		octets []byte
		want   uint16
	}{
		{octets, configTooOld}, {second[:100], invalidMessage}, {signed(t, d, 5), forbidden}, {second, 0}, {second, configTooOld},
	} {
		if got := update(tt.octets); got != tt.want {
			t.Errorf("error %d, want %d", got, tt.want)
		}
	}
	if c.Sequence() != 2 || !bytes.Equal(c.Document(), second) || len(changed) != 1 || changed[0] != 2 {
		t.Errorf("sequence %d, changed %v", c.Sequence(), changed)
	}
	d.Office = "other.example"
	d.Sequence = 3
	if got := update(signed(t, d, 1)); got != incompatible {
		t.Errorf("error %d, want %d", got, incompatible)
	}
}

// TestKinds: "it MUST be processed only if it is correctly digitally signed by an
// acceptable Kind signer"; "if the Kind update conflicts with an existing known
// Kind (i.e., it is signed by a different signer), then it should be rejected".
// RFC 6940, section 6.5.4.2
func TestKinds(t *testing.T) {
	d, _ := founded(t)
	d.KindSigners = append(d.KindSigners, node(2))
	c, err := Open(signed(t, d, 1), d.Office, verify)
	if err != nil {
		t.Fatal(err)
	}
	block := func(by byte, change func(*Kind)) []byte {
		k := Kinds()[0]
		change(&k)
		b, err := k.KindBlock(signer(node(by)))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	smaller := func(k *Kind) { k.MaxSize = 1000 }
	for _, tt := range []struct {
		name   string
		blocks [][]byte
		want   uint16
	}{
		{"known already", [][]byte{block(1, func(*Kind) {})}, 0},
		{"by a stranger", [][]byte{block(5, smaller)}, forbidden},
		{"by another signer", [][]byte{block(2, smaller)}, forbidden},
		{"unknown", [][]byte{block(1, func(k *Kind) { k.ID = 0xf0000077 })}, unknownKind},
		{"one of two bad", [][]byte{block(1, smaller), []byte("<kind-block/>")}, invalidMessage},
		{"new limit", [][]byte{block(1, smaller)}, 0},
	} {
		if got := code(t, c.Update(node(7), reload.ConfigUpdateReq{Type: reload.ConfigKinds, Kinds: tt.blocks})); got != tt.want {
			t.Errorf("%s: error %d, want %d", tt.name, got, tt.want)
		}
		want := overlay.MaxValue
		if tt.name == "new limit" {
			want = 1000
		}
		if got := c.Get().Kinds[0].MaxSize; got != want {
			t.Errorf("%s: values up to %d, want %d", tt.name, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	_, octets := founded(f)
	f.Add(octets)
	f.Add([]byte(`<overlay xmlns="urn:ietf:params:xml:ns:p2p:config-base"><configuration instance-name="office.example"/></overlay>`))
	f.Fuzz(func(t *testing.T, octets []byte) {
		d, err := Parse(octets, "office.example")
		if err != nil {
			return
		}
		d.Verify(verify, nil)
		again, err := d.Sign(signer(node(1)))
		if err != nil {
			t.Fatalf("read but cannot be written: %v", err)
		}
		back, err := Parse(again, d.Office)
		if err != nil {
			t.Fatalf("%v in\n%s", err, again)
		}
		if diff := cmp.Diff(d, back, equate); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzKindBlock(f *testing.F) {
	b, err := Kinds()[1].KindBlock(signer(node(1)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	d, octets := founded(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Open(octets, d.Office, verify)
		if err != nil {
			t.Fatal(err)
		}
		c.Update(node(7), reload.ConfigUpdateReq{Type: reload.ConfigKinds, Kinds: [][]byte{b}})
	})
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
