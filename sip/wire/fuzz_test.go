package wire

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"chordophone/sip/wire/wiretest"

	"github.com/emiago/sipgo/sip"
)

// What is read well is written well and reads back the same.
func FuzzParse(f *testing.F) {
	for _, c := range wiretest.Torture() {
		f.Add(c.Data)
	}
	f.Add(invite)
	f.Add(ringing)
	f.Fuzz(func(t *testing.T, data []byte) {
		msg, v := Parse(data)
		if (msg == nil) != (v.Status == Drop) {
			t.Fatalf("message %v, verdict %v", msg, v)
		}
		if req, ok := msg.(*sip.Request); ok {
			res := Response(req, max(400, v.Status), "mine", "Server", "x")
			if _, err := Bytes(res); err != nil && v.OK() {
				t.Fatal(err)
			}
			same(t, "copy", describe(CloneRequest(req)), describe(req))
		}
		if v.OK() {
			sameForwarded(t, msg)
			m := msg.(message)
			again, _ := Parse([]byte(msg.String()))
			same(t, "From tag", Tag(again.From().Params), Tag(m.From().Params))
			same(t, "To", again.To().Address.String(), m.To().Address.String())
		}
	})
}

// How the octets of a stream are cut up makes no difference.
func FuzzStream(f *testing.F) {
	f.Add([]byte("\r\n\r\n" + string(invite) + "\r\n" + string(ringing) + "\r\n\r\n\r\n"))
	for _, c := range wiretest.Torture() {
		f.Add(append(bytes.Clone(c.Data), invite...))
	}
	read := func(r io.Reader) (seen []string) {
		s := NewStream(r)
		for {
			msg, v, ping, err := s.Next()
			if err == nil && !ping && msg == nil && v.Status != Drop {
				seen = append(seen, "NOTHING")
			}
			text := ""
			if msg != nil {
				text = describe(msg)
			}
			seen = append(seen, fmt.Sprintln(text, v, ping, err))
			if err != nil {
				if _, _, _, again := s.Next(); again != err {
					seen = append(seen, "went on after an error")
				}
				return seen
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > MaxMessage {
			return
		}
		whole := read(bytes.NewReader(data))
		if slices.Contains(whole, "NOTHING") || slices.Contains(whole, "went on after an error") {
			t.Fatal(whole)
		}
		if bytewise := read(iotest.OneByteReader(bytes.NewReader(data))); !slices.Equal(whole, bytewise) {
			t.Fatalf("%q\nread octet by octet:\n%q", whole, bytewise)
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	for _, c := range wiretest.Torture() {
		if msg, _ := Parse(c.Data); msg != nil {
			for _, name := range []string{"From", "To", "Contact", "Route", "Record-Route"} {
				for _, v := range Values(msg, name) {
					f.Add(v)
				}
			}
		}
	}
	f.Add(`"a \"b\" \\" <sips:a:b@[::1]:5061;x;y=1?h=v&i=>;p="q;\"r=,";t=[::1]`)
	f.Add("\"a\rb\"<sip:c;q>")
	f.Fuzz(func(t *testing.T, text string) {
		var s address
		if _, err := s.scan(text); err == nil && s.exact {
			if written := "<" + s.uri.String() + ">"; written != trim(text) && !bytes.HasPrefix([]byte(trim(text)), []byte(written)) {
				t.Fatalf("%q counts as written %q", text, written)
			}
		}
		a, err := ParseAddress(text)
		if err != nil {
			return
		}
		b, err := ParseAddress(a.String())
		if err != nil {
			t.Fatalf("%q written as %q: %v", text, a.String(), err)
		}
		if a.Name != b.Name || a.URI.String() != b.URI.String() || !slices.Equal(a.Params, b.Params) || AOR(a.URI) != AOR(b.URI) {
			t.Fatalf("%q written as %q", text, a.String())
		}
	})
}
