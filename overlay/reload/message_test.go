package reload

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"chordophone/tools/story"
)

var equate = []cmp.Option{cmpopts.EquateEmpty()}

func encode(t testing.TB, m Message) []byte {
	t.Helper()
	b, err := m.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestGolden keeps the wire as it is: phones of one office are not all updated
// on the same day.
func TestGolden(t *testing.T) {
	var out strings.Builder
	for _, s := range samples(t) {
		fmt.Fprintf(&out, "%s %x\n", s.name, encode(t, s.msg))
	}
	story.Golden(t, "testdata/golden.txt", out.String())
}

func TestRoundTrip(t *testing.T) {
	seen := make(map[Code]bool)
	for _, s := range samples(t) {
		wire := encode(t, s.msg)
		got, err := Parse(wire)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		if diff := cmp.Diff(s.msg, got, equate...); diff != "" {
			t.Errorf("%s (-sent +parsed):\n%s", s.name, diff)
		}
		body, err := ParseBody(got.Code, got.Body)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		again, err := AppendBody(nil, body)
		if err != nil || !bytes.Equal(again, got.Body) {
			t.Errorf("%s: body %x becomes %x, %v", s.name, got.Body, again, err)
		}
		seen[body.Code()] = true
	}
	for code := Code(1); code <= CodePathTrackAns; code++ {
		if _, err := ParseBody(code, nil); !errors.Is(err, ErrUnknownCode) && !seen[code] {
			t.Errorf("no sample of message code %#x", code)
		}
	}
}

// TestAddressExample: "the wire representation of the IPv4 address 192.0.2.1
// with port 6084". // RFC 6940, section 6.3.1.1
func TestAddressExample(t *testing.T) {
	a, err := ParseAddress([]byte{1, 6, 0xc0, 0, 2, 1, 0x17, 0xc4})
	if err != nil || a.String() != "192.0.2.1:6084" {
		t.Errorf("%v, %v", a, err)
	}
}

func TestDestinationShortForm(t *testing.T) {
	m := samples(t)[0].msg
	m.Via = []Destination{{DestShort, []byte{0x81, 2}}, {DestOpaque, []byte{1, 2, 3}}}
	got, err := Parse(encode(t, m))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.Via, got.Via); diff != "" {
		t.Error(diff)
	}
}

func TestOverlayHash(t *testing.T) {
	// printf reload.example.com | sha1sum ends in cd1e5a
	if h := OverlayHash("reload.example.com"); h != 0x01cd1e5a {
		t.Errorf("%#x", h)
	}
}

func TestSipRegistration(t *testing.T) {
	for _, r := range []SipRegistration{
		{URI: []byte("sip:sam@dht.example.org")},
		{ContactPrefs: []byte("(sip.schemes=SIPS)"), To: []Destination{Node(id(1)), Node(id(2))}},
	} {
		b, err := r.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseSipRegistration(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got, equate...); diff != "" {
			t.Error(diff)
		}
		for n := range b {
			if _, err := ParseSipRegistration(b[:n]); err == nil {
				t.Errorf("%d of %d octets parse", n, len(b))
			}
		}
		if _, err := ParseSipRegistration(append(b, 0)); err == nil {
			t.Error("parses with an octet behind it")
		}
	}
	// destination_list<3..2^16-1>
	if _, err := ParseSipRegistration([]byte{2, 0, 4, 0, 0, 0, 0}); err == nil {
		t.Error("a route without destinations parses")
	}
}

// common are the samples of what goes to and fro most of the time.
var common = []string{"ping-req", "ping-ans", "update-req", "update-ans", "store-req", "store-ans", "fetch-req", "fetch-ans", "stat-req-arc", "stat-ans-arc"}

func BenchmarkAppend(b *testing.B) {
	for _, s := range samples(b) {
		if !slices.Contains(common, s.name) {
			continue
		}
		b.Run(s.name, func(b *testing.B) {
			body, err := ParseBody(s.msg.Code, s.msg.Body)
			if err != nil {
				b.Fatal(err)
			}
			var out []byte
			b.ReportAllocs()
			for b.Loop() {
				m := s.msg
				if m.Contents, err = MakeContents(body, s.msg.Extensions...); err != nil {
					b.Fatal(err)
				}
				if out, err = m.Append(out[:0]); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(out)))
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, s := range samples(b) {
		if !slices.Contains(common, s.name) {
			continue
		}
		b.Run(s.name, func(b *testing.B) {
			wire := encode(b, s.msg)
			b.ReportAllocs()
			b.SetBytes(int64(len(wire)))
			for b.Loop() {
				m, err := Parse(wire)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := ParseBody(m.Code, m.Body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestConfigOlder: sequence numbers count modulo 65535 and "greater than or less
// than are interpreted by modulo arithmetic as in TCP". // RFC 6940, section 6.3.2.1
func TestConfigOlder(t *testing.T) {
	for _, c := range []struct {
		a, b uint16
		want bool
	}{
		{1, 2, true}, {2, 1, false}, {1, 1, false},
		{65534, 0, true}, // "peers sending a new configuration when the configuration sequence is currently 65534 MUST set the configuration sequence number to 0"
		{0, 65534, false}, {65000, 100, true}, {0, 32766, true}, {0, 40000, false},
	} {
		if got := ConfigOlder(c.a, c.b); got != c.want {
			t.Errorf("%d before %d: %v", c.a, c.b, got)
		}
	}
}

// TestParseSecurity: a block that stands alone is refused wherever it is cut.
func TestParseSecurity(t *testing.T) {
	want := samples(t)[0].msg.Security
	b, err := want.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseSecurity(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for n := range b {
		if _, err := ParseSecurity(b[:n]); err == nil {
			t.Errorf("%d of %d octets parse", n, len(b))
		}
	}
	if _, err := ParseSecurity(append(b, 0)); err == nil {
		t.Error("parses with an octet behind it")
	}
}
