package server

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A stranger learns nothing: every method gets one answer for who exists and who does
// not, as its target and as its sender, with a wrong password too.
func TestStranger(t *testing.T) {
	for _, transport := range []string{"udp", "tcp", "tls"} {
		bubble(t, func(t *testing.T, o *office) {
			p := o.phoneAt("101")
			p.client("201", "udp").register()
			i := 0
			for _, method := range []string{"INVITE", "MESSAGE", "OPTIONS", "REFER", "INFO", "SUBSCRIBE", "PUBLISH", "REGISTER", "BYE", "NOTIFY", "UPDATE", "PRACK", "FOO"} {
				var answers []string
				for _, who := range []string{"201", "202", "999", "101", "900"} {
					for _, dialog := range []string{"", ";tag=x"} {
						for _, password := range []string{"", "wrong"} {
							i++
							c := p.clientAt(netip.AddrFrom4([4]byte{10, 6, byte(i >> 8), byte(i)}), who, transport)
							c.password = password
							uri := "sip:" + who + "@office"
							c.Vars["To-Full"] = "<" + uri + ">" + dialog
							if method == "REGISTER" {
								uri = "sip:office"
							}
							began := time.Now()
							m := c.ask(method, uri, "Event: presence\n")
							m.Header.Del("Via")
							for _, name := range []string{"To", "From", "Call-Id", "Cseq"} {
								m.Header.Del(name)
							}
							text := fmt.Sprint(m.Start, m.Header, dialog, password == "", time.Since(began))
							if _, rest, ok := strings.Cut(text, `nonce="`); ok {
								nonce, _, _ := strings.Cut(rest, `"`)
								text = strings.ReplaceAll(text, nonce, "")
							}
							if !strings.Contains(m.Start, " 401 ") && !strings.Contains(m.Start, " 407 ") {
								t.Errorf("%s %s%s: %s", method, uri, dialog, m.Start)
							}
							if !slices.Contains(answers, text) {
								answers = append(answers, text)
							}
						}
					}
				}
				if len(answers) > 4 { // in dialog or not, with a password or without
					t.Errorf("%s %s: %d answers:\n%s", transport, method, len(answers), strings.Join(answers, "\n"))
				}
			}
			if n := len(p.phone.got); n != 0 || len(p.presence) != 0 {
				t.Errorf("%d requests reached the telephone, %d presence", n, len(p.presence))
			}
		})
	}
}

// Whoever is in a trusted network needs no password, but has a name.
func TestTrusted(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phoneAt("101")
		c := p.clientAt(netip.MustParseAddr("10.0.7.1"), "202", "udp")
		c.password = ""
		c.register()
		c.want("INVITE", c.ask("INVITE", "sip:101@office", ""), 200)
		c.want("SUBSCRIBE", c.ask("SUBSCRIBE", "sip:101@office", "Event: presence\n"), 200)
		if want := []string{"SUBSCRIBE 202@office"}; !slices.Equal(p.presence, want) {
			t.Errorf("presence got %q", p.presence)
		}
		out := p.clientAt(netip.MustParseAddr("10.0.8.1"), "202", "udp")
		out.password = ""
		out.want("from elsewhere", out.ask("INVITE", "sip:101@office", ""), 407)
	})
}

// A connection is asked once for a user, a datagram each time.
func TestAskedOnce(t *testing.T) {
	for transport, challenges := range map[string]int{"tcp": 0, "udp": 1} {
		bubble(t, func(t *testing.T, o *office) {
			p := o.phoneAt("101")
			a := p.client("201", transport).register()
			a.request("INVITE", "sip:101@office", "")
			m := a.final()
			if got := strings.Contains(m.Start, " 407 "); got != (challenges == 1) {
				t.Errorf("%s: %s", transport, m.Start)
			}
			// Who it is by its password it is not by another's name.
			a.Vars["From-AOR"] = "202@office"
			a.password = ""
			m = a.ask("MESSAGE", "sip:101@office", "Content-Type: text/plain\n\nhi")
			a.want(transport+" as another", m, 407)
		})
	}
}

// Strangers who send in dialogs that nobody knows have a bounded share of the
// look-ups; who has a right to them is served meanwhile.
func TestStrangersLookUps(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phoneAt("101")
		a := p.client("201", "tcp").register()
		o.mu.Lock()
		o.slow, o.most = 3*time.Second, 0
		o.mu.Unlock()
		for i := range 1000 {
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 5060)
			o.net.Forge(from, netip.AddrPortFrom(p.ip, 5060), []byte(fmt.Sprintf("BYE sip:202@10.0.1.2 SIP/2.0\r\nVia: SIP/2.0/UDP %v;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\nFrom: <sip:202@office>;tag=a\r\nTo: <sip:201@office>;tag=b\r\nCall-ID: %d\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n", from, i, i)))
			if i%100 == 99 {
				synctest.Wait()
			}
		}
		a.want("INVITE", a.ask("INVITE", "sip:101@office", ""), 200)
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.most > maxLooking+1 || o.most < maxLooking {
			t.Errorf("%d look-ups at once, want %d for strangers", o.most, maxLooking)
		}
	})
}

// "If the request does not contain ... zero" and Proxy-Require come before the question
// for a password (RFC 3261, section 16.3), whoever is asked for.
func TestBeforeThePassword(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phoneAt("101")
		for _, uri := range []string{"sip:201@office", "sip:999@office", "sip:101@office"} {
			for _, method := range []string{"INVITE", "MESSAGE", "OPTIONS"} {
				c := p.client("201", "udp")
				c.want(method, c.ask(method, uri, "Proxy-Require: foo\n"), 420)
				if got := c.Last.Get("Unsupported"); got != "foo" {
					t.Errorf("Unsupported: %q", got)
				}
			}
		}
		c := p.client("201", "udp")
		c.Vars["To-Full"] = "<isbn:2983792873>"
		c.want("REGISTER", c.ask("REGISTER", "sip:office", ""), 400)
	})
}
