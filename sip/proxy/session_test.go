package proxy

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// RFC 4028, section 8.
func TestSessionTimer(t *testing.T) {
	for _, tt := range []struct{ sentence, ask, forwarded, answer, passed string }{
		{"A proxy MAY insert a Session-Expires header field in the request",
			"Supported: timer\n", "1800", "Session-Expires: 1800;refresher=uas\nRequire: timer\n", "1800;refresher=uas"},
		{"but not with a duration lower than the value in the Min-SE header field",
			"Supported: timer\nMin-SE: 3600\n", "3600", "Session-Expires: 3600;refresher=uac\n", "3600;refresher=uac"},
		{"This proxy MUST insert a Session-Expires header field into the response with the value it remembered from the forwarded request. It MUST set the value of the 'refresher' parameter to 'uac'.",
			"Supported: timer\n", "1800", "", "1800;refresher=uac"},
		{"the proxy MUST NOT increase the value of the Session-Expires header field",
			"Supported: timer\nSession-Expires: 90;refresher=uac\n", "90;refresher=uac", "Session-Expires: 90;refresher=uac\n", "90;refresher=uac"},
		{"the proxy MAY reject the INVITE request with a 422",
			"Supported: timer\nSession-Expires: 60\n", "422 90", "", ""},
		{"Rather, the proxy SHOULD insert a Min-SE header field containing its minimum interval ... The proxy MUST then increase the Session-Expires",
			"Session-Expires: 60\n", "90", "", ""},
		{"If the proxy remembers that the UAC did not support the session timer either, the proxy forwards the response upstream normally",
			"", "", "", ""},
	} {
		t.Run(tt.sentence[:40], func(t *testing.T) {
			bubble(t, func(t *testing.T, o *office) {
				p := o.phone("101")
				a, b := p.client("201"), p.client("202")
				a.invite("202", tt.ask)
				if status, least, ok := strings.Cut(tt.forwarded, " "); ok {
					if res := a.Expect("^SIP/2.0 " + status + " "); res.Get("Min-SE") != least {
						t.Errorf("Min-SE %q", res.Get("Min-SE"))
					}
					return
				}
				a.Expect("^SIP/2.0 100 ")
				if inv := b.Expect("^INVITE "); strings.Join(inv.Header["Session-Expires"], " and ") != tt.forwarded {
					t.Errorf("Session-Expires %q", inv.Header["Session-Expires"])
				}
				b.answer("200 OK", tt.answer)
				res := a.Expect("^SIP/2.0 200 ")
				if strings.Join(res.Header["Session-Expires"], " and ") != tt.passed || tt.answer == "" && tt.passed != "" && res.Get("Require") != "timer" {
					t.Errorf("Session-Expires %q, Require %q", res.Header["Session-Expires"], res.Get("Require"))
				}
				a.Send(a.dialogOf(res)("ACK", "1", ""))
				if tt.passed == "" {
					time.Sleep(3 * time.Hour)
					same(t, "for ever", p.heard("201@office"), "initiator trying", "initiator confirmed")
					return
				}
				var n int
				fmt.Sscanf(tt.passed, "%d", &n)
				time.Sleep(time.Duration(n-5) * time.Second)
				b.Expect("^ACK ")
				a.Send(a.dialogOf(res)("INVITE", "2", "Supported: timer\nSession-Expires: "+tt.passed+"\n")) // a refresh
				b.Expect("^INVITE ")
				b.answer("200 OK", "Session-Expires: "+tt.passed+"\n")
				a.Expect("^SIP/2.0 100 ")
				a.Expect("^SIP/2.0 200 ")
				time.Sleep(time.Duration(n-5) * time.Second)
				same(t, "refreshed", p.heard("201@office"), "initiator trying", "initiator confirmed")
				time.Sleep(20 * time.Second) // and then not again
				same(t, "over", p.heard("201@office"), "initiator trying", "initiator confirmed", "initiator terminated")
				p.idle()
			})
		})
	}
}
