package reload

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTruncated: nothing that is cut short parses, wherever it is cut.
func TestTruncated(t *testing.T) {
	for _, s := range samples(t) {
		wire := encode(t, s.msg)
		for n := range wire {
			if _, err := Parse(wire[:n]); err == nil {
				t.Errorf("%s: %d of %d octets parse", s.name, n, len(wire))
			}
			// The same with a header that agrees to the shorter length.
			if n > headerSize {
				short := bytes.Clone(wire[:n])
				short[16], short[17], short[18], short[19] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
				if _, err := Parse(short); err == nil {
					t.Errorf("%s: %d of %d octets parse with length changed", s.name, n, len(wire))
				}
			}
		}
		body := s.msg.Body
		for n := range body {
			if _, err := ParseBody(s.msg.Code, body[:n]); err == nil {
				t.Errorf("%s: %d of %d octets of the body parse", s.name, n, len(body))
			}
		}
		for _, e := range s.msg.Extensions {
			for n := range e.Value {
				if parseExtension(e.Type, e.Value[:n]) == nil && !(e.Type == ExtStores && n == 0) {
					t.Errorf("%s: %d of %d octets of extension %#x parse", s.name, n, len(e.Value), e.Type)
				}
			}
		}
	}
}

// TestTrailing: nothing parses that has an octet too many.
func TestTrailing(t *testing.T) {
	for _, s := range samples(t) {
		wire := append(encode(t, s.msg), 0)
		if _, err := Parse(wire); err == nil {
			t.Errorf("%s: parses with an octet behind it", s.name)
		}
		n := len(wire)
		wire[16], wire[17], wire[18], wire[19] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
		if _, err := Parse(wire); err == nil {
			t.Errorf("%s: parses with an octet behind it and the length changed", s.name)
		}
		if _, err := ParseBody(s.msg.Code, append(bytes.Clone(s.msg.Body), 0)); err == nil {
			t.Errorf("%s: body parses with an octet behind it", s.name)
		}
		for _, e := range s.msg.Extensions {
			if parseExtension(e.Type, append(bytes.Clone(e.Value), 0)) == nil {
				t.Errorf("%s: extension %#x parses with an octet behind it", s.name, e.Type)
			}
		}
	}
}

func parseExtension(typ uint16, v []byte) (err error) {
	switch typ {
	case ExtAddress:
		_, err = ParseAddress(v)
	case ExtNeighbours:
		_, _, err = ParseNeighbours(v)
	case ExtArc:
		_, _, err = ParseArc(v)
	case ExtVersions:
		_, err = ParseVersions(v)
	case ExtCopies:
		_, err = ParseCopies(v)
	case ExtResource:
		_, err = ParseResource(v)
	case ExtDigest:
		_, err = ParseDigest(v)
	case ExtStores:
		_, err = ParseStores(v)
	default:
		err = fmt.Errorf("extension %#x", typ)
	}
	return err
}

// TestDamaged: whatever octet is damaged, a message is refused or is still one
// that Append makes.
func TestDamaged(t *testing.T) {
	for _, s := range samples(t) {
		wire := encode(t, s.msg)
		for i := range wire {
			for _, v := range []byte{0, 1, 0xff} {
				damaged := bytes.Clone(wire)
				damaged[i] = v
				checkCanonical(t, damaged)
			}
		}
	}
}

// checkCanonical fails when b parses but is not what Append makes of it.
func checkCanonical(t testing.TB, b []byte) {
	t.Helper()
	m, err := Parse(b)
	if err != nil {
		return
	}
	if again, err := m.Append(nil); err != nil || !bytes.Equal(again, b) {
		t.Fatalf("%x parses and becomes %x, %v", b, again, err)
	}
	body, err := ParseBody(m.Code, m.Body)
	if err != nil {
		return
	}
	if again, err := AppendBody(nil, body); err != nil || !bytes.Equal(again, m.Body) {
		t.Fatalf("body %x of %T becomes %x, %v", m.Body, body, again, err)
	}
}

func TestHeaderRefused(t *testing.T) {
	good := encode(t, samples(t)[0].msg)
	for _, tt := range []struct {
		name  string
		at    int
		value byte
		want  error
	}{
		{"token", 0, 0x52, ErrMalformed},
		{"version 0.1", 10, 1, ErrVersion},                   // "Nodes MUST reject messages with other versions"
		{"fragment high bit clear", 12, 0x40, ErrFragment},   // "SHOULD discard any message with it set to 0"
		{"not the last fragment", 12, 0x80, ErrFragment},     // TCP carries whole messages
		{"fragment at an offset", 15, 1, ErrFragment},        //
		{"length", 19, 0, ErrMalformed},                      //
		{"via list longer than all", 32, 0xff, ErrMalformed}, //
		{"via list cut through an entry", 33, 5, ErrMalformed},
	} {
		b := bytes.Clone(good)
		b[tt.at] = tt.value
		if _, err := Parse(b); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, err := Parse(make([]byte, MaxMessage+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a message beyond MaxMessage: %v", err)
	}
}

func TestAppendRefuses(t *testing.T) {
	m := samples(t)[0].msg
	big := m
	big.Body = make([]byte, MaxMessage)
	if _, err := big.Append(nil); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large a body: %v", err)
	}
	long := m
	long.Via = make([]Destination, MaxDestinations+1)
	if _, err := long.Append(nil); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too long a via list: %v", err)
	}
	bad := m
	bad.To = []Destination{{Type: DestNode, ID: []byte{1}}}
	if _, err := bad.Append(nil); err == nil {
		t.Error("a Node-ID of one octet was sent")
	}
	if _, err := AppendBody(nil, FetchReq{Specifiers: []Specifier{{Kind: 0x50}}}); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("unknown kind: %v", err)
	}
}

func TestUnknownKind(t *testing.T) {
	b, err := hex.DecodeString("10" + strings.Repeat("09", 16) + "00" + "00000010" + "00000050" + "0000000000000000" + "00000000")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseBody(CodeStoreReq, b); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("%v, want %v", err, ErrUnknownKind)
	}
}

// TestKindTwice: "The same Kind-ID MUST NOT be used twice in a given store
// request." // RFC 6940, section 7.4.1.1
func TestKindTwice(t *testing.T) {
	b, err := AppendBody(nil, StoreReq{Kinds: []KindData{{Kind: KindPrivate}, {Kind: KindPrivate}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseBody(CodeStoreReq, b); !errors.Is(err, ErrMalformed) {
		t.Errorf("%v, want %v", err, ErrMalformed)
	}
}

// TestSyntheticValue: "the identity_type is set to none, the
// SignatureAndHashAlgorithm values are set to {0, 0}, and the signature value is
// of zero length". // RFC 6940, section 7.4.2.2
func TestSyntheticValue(t *testing.T) {
	want := FetchAns{[]KindData{{KindTURNService, 1, []StoredData{{Signature: Signature{Signer: Identity{Type: NoIdentity}}}}}}}
	b, err := AppendBody(nil, want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(b, []byte{0, 0, 3, 0, 0, 0, 0}) {
		t.Errorf("signature is %x", b[len(b)-7:])
	}
	got, err := ParseBody(CodeFetchAns, b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Body(want), got, equate...); diff != "" {
		t.Error(diff)
	}
}

// TestClaims: lengths that are not covered by octets cost no memory.
func TestClaims(t *testing.T) {
	for _, code := range []Code{CodeStoreReq, CodeFetchAns, CodeStatAns, CodeConfigUpdateReq} {
		claim := bytes.Repeat([]byte{0xff}, 64)
		claim[0] = 0
		if n := testing.AllocsPerRun(10, func() { ParseBody(code, claim) }); n > 20 {
			t.Errorf("code %#x: %v allocations", code, n)
		}
	}
}
