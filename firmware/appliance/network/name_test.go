package network

import (
	"net/netip"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func question(t *testing.T, name string, kind dnsmessage.Type, class dnsmessage.Class) []byte {
	t.Helper()
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 77},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: class}},
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The machine answers to its name and to no other.
func TestAnswer(t *testing.T) {
	const host = "chordophone-101"
	addrs := []netip.Addr{given, netip.MustParseAddr("169.254.1.2")}
	for _, tc := range []struct {
		name  string
		kind  dnsmessage.Type
		class dnsmessage.Class
		want  bool
	}{
		{"chordophone-101.local.", dnsmessage.TypeA, dnsmessage.ClassINET, true},
		{"ChordoPhone-101.LOCAL.", dnsmessage.TypeA, dnsmessage.ClassINET | flush, true}, // asks for unicast; case does not matter
		{"chordophone-101.local.", dnsmessage.TypeALL, dnsmessage.ClassINET, true},
		{"chordophone-101.local.", dnsmessage.TypeAAAA, dnsmessage.ClassINET, false},
		{"chordophone-102.local.", dnsmessage.TypeA, dnsmessage.ClassINET, false},
		{"chordophone-101.", dnsmessage.TypeA, dnsmessage.ClassINET, false},
		{"chordophone-101.local.", dnsmessage.TypeA, dnsmessage.ClassCHAOS, false},
	} {
		q := question(t, tc.name, tc.kind, tc.class)
		for _, legacy := range []bool{false, true} {
			b := answerTo(q, host, addrs, legacy)
			if (b != nil) != tc.want {
				t.Errorf("%s %v %v: answered %v", tc.name, tc.kind, tc.class, b != nil)
			}
			if b == nil {
				continue
			}
			var m dnsmessage.Message
			if err := m.Unpack(b); err != nil {
				t.Fatal(err)
			}
			// RFC 6762, sections 18.1 and 6.7: "the query ID" and the question are repeated only for those who are none of us.
			if !m.Response || !m.Authoritative || len(m.Answers) != 2 || (m.ID == 77) != legacy || (len(m.Questions) == 1) != legacy {
				t.Errorf("%+v", m)
			}
			for i, r := range m.Answers {
				a := r.Body.(*dnsmessage.AResource).A
				if netip.AddrFrom4(a) != addrs[i] || (r.Header.Class&flush != 0) == legacy || (r.Header.TTL <= 10) != legacy {
					t.Errorf("%+v", r)
				}
			}
		}
	}
	if answerTo(question(t, "chordophone-101.local.", dnsmessage.TypeA, dnsmessage.ClassINET), host, nil, false) != nil {
		t.Error("an answer without an address")
	}
	if answerTo(announcement(host, addrs), host, addrs, false) != nil {
		t.Error("an answer to an answer")
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte{0, 77, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		answerTo(b, "chordophone-101", []netip.Addr{given}, false)
		answerTo(b, "chordophone-101", []netip.Addr{given}, true)
	})
}
