package registrar

import (
	"fmt"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/stack"
	"chordophone/sip/wire"
)

// What a REGISTER must be like.
func TestForm(t *testing.T) {
	many := make([]string, maxBindings+1)
	for i := range many {
		many[i] = fmt.Sprintf("<sip:201@192.0.2.50:%d>", 6000+i)
	}
	ten, eleven := strings.Join(many[1:], ", "), strings.Join(many, ", ")
	const uuid = `;+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"`
	for _, tc := range []struct {
		name   string
		status int
		field  string // expected in the response
		lines  []string
	}{
		{"no contact: a question", 200, "", nil},
		{"one", 200, "", []string{bob}},
		{"two", 200, "", []string{bob + `;expires=300, "Bob, at home" <sip:201@192.0.2.51;transport=tcp>;q=0.1`}},
		{"ten", 200, "", []string{"Contact: " + ten}},
		{"eleven", 400, "", []string{"Contact: " + eleven}},
		{"a tab in an instance", 400, "", []string{bob + ";+sip.instance=\"a\tb\""}},
		{"a long agent", 200, "", []string{bob, "User-Agent: " + strings.Repeat("\u20ac", 300)}},
		{"all removed", 200, "", []string{"Contact: *", "Expires: 0"}},
		{"* without Expires", 400, "", []string{"Contact: *"}},
		{"* with another time", 400, "", []string{"Contact: *", "Expires: 60"}},
		{"* and another", 400, "", []string{"Contact: *", bob, "Expires: 0"}},
		{"another and *", 400, "", []string{bob, "Contact: *", "Expires: 0"}},
		{"too short", 423, "Min-Expires 60", []string{bob + ";expires=59"}},
		{"too short, by the field", 423, "Min-Expires 60", []string{bob, "Expires: 1"}},
		{"just long enough", 200, "expires=60", []string{bob + ";expires=60"}},
		{"the parameter wins", 200, "expires=61", []string{bob + ";expires=61", "Expires: 1"}},
		{"too long", 200, "expires=3600", []string{bob + ";expires=3601"}},
		{"far too long", 200, "expires=3600", []string{bob + ";expires=99999999999999999999"}},
		{"no number", 200, "expires=3600", []string{bob + ";expires=soon"}},
		{"of another", 403, "", []string{bob, "To: <sip:202@office>"}},
		{"of nobody", 403, "", []string{bob, "To: <sip:nobody@office>"}},
		{"of another office", 404, "", []string{bob, "To: <sip:201@elsewhere>"}},
		{"by our address", 200, "", []string{bob, "To: <sip:201@192.0.2.1>"}},
		{"by another address", 404, "", []string{bob, "To: <sip:201@192.0.2.2>"}},
		{"no user", 404, "", []string{bob, "To: <sip:office>"}},
		{"spelt otherwise", 200, "", []string{bob, "To: <sip:%3201@OFFICE>"}},
		{"no SIP", 400, "", []string{"Contact: <tel:+4930123>"}},
		{"with headers, kept as they are and never sent", 200, "", []string{"Contact: <sip:201@192.0.2.50?Route=x>"}},
		{"long", 400, "", []string{"Contact: <sip:" + strings.Repeat("2", maxContact) + "@192.0.2.50>"}},
		{"to the office by its name", 200, "", []string{"Contact: <sip:201@office>"}},
		{"to this phone", 403, "", []string{"Contact: <sip:201@192.0.2.1>"}},
		{"the same place twice", 400, "", []string{bob, "Contact: <sip:201@192.0.2.50:5060;x=1>"}},
		{"bad q", 400, "", []string{bob + ";q=1.1"}},
		{"worse q", 400, "", []string{bob + ";q=0.0001"}},
		{"q", 200, "q=0.000", []string{bob + ";q=0"}},
		{"asks too much", 420, "Unsupported gruu", []string{bob, "Require: path, gruu"}},
		{"a path unknown to the client", 421, "Require path", []string{bob, "Path: <sip:192.0.2.9;lr>"}},
		{"a path", 200, "Path <sip:192.0.2.9;lr>", []string{bob, "Path: <sip:192.0.2.9;lr>", "Supported: path"}},
		{"long path", 400, "", []string{bob, "Path: <sip:192.0.2.9>, <sip:a>, <sip:b>, <sip:c>, <sip:d>", "Supported: path"}},
		{"bad path", 400, "", []string{bob, "Path: <tel:1>", "Supported: path"}},
		{"bad reg-id", 400, "", []string{bob + uuid + ";reg-id=0", "Supported: outbound"}},
		{"huge reg-id", 400, "", []string{bob + uuid + ";reg-id=2147483648", "Supported: outbound"}},
		{"bad instance", 400, "", []string{bob + `;+sip.instance="a\"b"`}},
		{"outbound not at the first hop", 439, "", []string{bob + uuid + ";reg-id=1", "Supported: outbound",
			"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK2, SIP/2.0/UDP " + clientAddr + ";branch=z9hG4bK1"}},
		{"outbound through an edge proxy", 200, "Require outbound", []string{bob + uuid + ";reg-id=1", "Supported: outbound, path",
			"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK2, SIP/2.0/UDP " + clientAddr + ";branch=z9hG4bK1", "Path: <sip:token@192.0.2.9;lr;ob>"}},
		{"two flows at once", 400, "", []string{bob + uuid + ";reg-id=1", "Contact: <sip:201@192.0.2.51>", "Supported: outbound, path",
			"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK2, SIP/2.0/UDP " + clientAddr + ";branch=z9hG4bK1", "Path: <sip:token@192.0.2.9;lr;ob>"}},
		{"a long Call-ID", 400, "", []string{bob, "Call-ID: " + strings.Repeat("x", maxCallID+1)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *ring, p *phone) {
				res := p.want(tc.status, tc.lines...)
				if !strings.Contains(strings.Join(res.fields, " "), tc.field) {
					t.Errorf("%q, want %q", res.fields, tc.field)
				}
				for _, b := range r.holds("sip:201@office") {
					if len(b.Agent) > maxAgent {
						t.Errorf("%d octets of User-Agent", len(b.Agent))
					}
				}
				if res.status != 200 && r.writes != 0 {
					t.Error("stored something of a request that failed")
				}
			})
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add("<sip:201@192.0.2.50>;q=0.5;expires=60;+sip.instance=\"<urn:x>\";reg-id=1", "60", "<sip:a;lr>", "outbound, path")
	f.Add("*", "0", "", "")
	f.Fuzz(func(t *testing.T, contact, expires, path, supported string) {
		msg, v := wire.Parse([]byte("REGISTER sip:office SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:201@office>;tag=a\r\nTo: <sip:201@office>\r\n" +
			"Call-ID: c\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\nContact: " + contact + "\r\nExpires: " + expires + "\r\nPath: " + path + "\r\nSupported: " + supported + "\r\n\r\n"))
		req, ok := msg.(*sip.Request)
		if !ok || !v.OK() {
			return
		}
		q, bad := read(req, "201", "office", source{transport: stack.TCP, token: "t"})
		if bad != nil {
			return
		}
		for _, b := range q.contacts {
			if b.Expires != 0 && (b.Expires < minExpires || b.Expires > maxExpires) || b.Q > 1000 {
				t.Errorf("%+v", b)
			}
			if len(b.Contact)+len(b.Instance)+len(b.CallID)+len(b.Methods)+len(strings.Join(b.Path, "")) > 3000 {
				t.Errorf("too large to be stored: %+v", b)
			}
			a, err := wire.ParseAddress(contactValue(b))
			if err != nil || a.URI.String() != b.Contact {
				t.Errorf("%q does not read back: %v", contactValue(b), err)
			}
		}
	})
}
