package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chordophone/overlay"
	"chordophone/overlay/reload"
)

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
