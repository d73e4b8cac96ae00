package proxy

import (
	"strings"
	"testing"
	"testing/synctest"

	"chordophone/sip/stack"
	"chordophone/sip/wire"
)

// message is a MESSAGE from 201 to 202 with some fields more.
func (c *client) message(uri, extra string) {
	c.Send("MESSAGE " + uri + ` SIP/2.0
Via: SIP/2.0/${Sent-By};branch=z9hG4bK${N}
From: <sip:${Me}@office>;tag=t${Me}
To: <sip:202@office>
Call-ID: m${N}
CSeq: 1 MESSAGE
` + strings.TrimLeft(extra, "\n"))
	c.Vars["N"] += "x"
}

// RFC 3261, sections 16.3, 16.4 and 16.6, and where this office is stricter.
func TestRules(t *testing.T) {
	for _, tt := range []struct {
		sentence, uri, extra string
		status               string            // what the sender gets
		to                   string            // the Request-URI that the client gets
		fields               map[string]string // and fields of it
		not                  string
	}{
		{sentence: "If the request does not contain a Max-Forwards header field, this check is passed; If the copy does not contain a Max-Forwards header field, the proxy MUST add one with a field value, which SHOULD be 70.",
			to: "sip:202@10.0.1.2:5060", fields: map[string]string{"Max-Forwards": "70"}},
		{sentence: "If the copy contains a Max-Forwards header field, the proxy MUST decrement its value by one (1).",
			extra: "Max-Forwards: 1\n", to: "sip:202@10.0.1.2:5060", fields: map[string]string{"Max-Forwards": "0"}},
		{sentence: "If the request contains a Max-Forwards header field with a field value of zero (0), the element MUST NOT forward the request.",
			extra: "Max-Forwards: 0\n", status: "483"},
		{sentence: "If the request contains a Proxy-Require header field (Section 20.29) with one or more option-tags this element does not understand, the element MUST return a 420 (Bad Extension) response. The response MUST include an Unsupported (Section 20.40) header field listing those option-tags the element did not understand.",
			extra: "Proxy-Require: foo, bar\nProxy-Require: 100rel\n", status: "420 Unsupported: foo, bar, 100rel"},
		{sentence: "An element MUST NOT act on Require: it is the far side's.",
			extra: "Require: foo\n", to: "sip:202@10.0.1.2:5060", fields: map[string]string{"Require": "foo"}},
		{sentence: "If the first value in the Route header field indicates this proxy, the proxy MUST remove that value from the request.",
			extra: "Route: <sip:10.0.0.1;lr>\n", to: "sip:202@10.0.1.2:5060", not: "Route"},
		{sentence: "... also by the name of the office, in several fields or one, and by another phone: we are one server.",
			extra: "Route: <sip:office;lr>, <sip:10.0.0.1:5061;transport=tls;lr>\nRoute: <sip:10.0.0.2;lr>\n", to: "sip:202@10.0.1.2:5060", not: "Route"},
		{sentence: "A way out of the office is no way.",
			extra: "Route: <sip:10.0.0.1;lr>, <sip:203.0.113.1;lr>\n", status: "404"},
		{sentence: "A Route that cannot be read.", extra: "Route: <sip:10.0.0.1;lr>, <nonsense\n", status: "400"},
		{sentence: "If the Request-URI of the request contains a value this proxy previously placed into a Record-Route header field, the proxy MUST replace the Request-URI in the request with the last value from the Route header field, and remove that value from the Route header field.",
			uri: "sip:10.0.0.1:5060;lr", extra: "Route: <sip:10.0.0.1;lr>, <sip:202@office>\n", status: "404"},
		{sentence: "A URI of another domain is not for us.", uri: "sip:202@elsewhere.example", status: "404"},
		{sentence: "A stranger may not send to an address out of dialog, though it is a client's contact.", uri: "sip:202@10.0.1.2:5060", status: "404"},
		{sentence: "An identity that a client claims is not passed on.",
			extra: "P-Asserted-Identity: <sip:boss@office>\nP-Preferred-Identity: <sip:boss@office>\n", to: "sip:202@10.0.1.2:5060", not: "P-Asserted-Identity"},
		{sentence: "When a proxy receives a request with credentials for its own realm, it takes them out before it passes the request on: section 22.3.",
			extra: "Proxy-Authorization: Digest username=\"201\", realm=\"Office\", nonce=\"n\", uri=\"sip:x\", response=\"0\"\n", to: "sip:202@10.0.1.2:5060", not: "Proxy-Authorization"},
		{sentence: "... of either kind: what a far side has lured out of a client by a challenge in our name goes no further.",
			extra: "Authorization: digest username=201, realm=office, nonce=n, uri=\"sip:x\", response=\"0\"\n", to: "sip:202@10.0.1.2:5060", not: "Authorization"},
		{sentence: "... and those that cannot be read.",
			extra: "Authorization: Digest realm=\"office\", realm=\"x\"\n", to: "sip:202@10.0.1.2:5060", not: "Authorization"},
		{sentence: "If the proxy has no credentials for it, it MUST leave the others: those of other realms are not ours.",
			extra: "Proxy-Authorization: Digest username=\"201\", realm=\"elsewhere\", nonce=\"n\", uri=\"sip:x\", response=\"0\"\n", to: "sip:202@10.0.1.2:5060",
			fields: map[string]string{"Proxy-Authorization": `Digest username="201", realm="elsewhere", nonce="n", uri="sip:x", response="0"`}},
		{sentence: "The proxy MAY add Record-Route where a dialog may begin: not here.",
			to: "sip:202@10.0.1.2:5060", not: "Record-Route"},
		{sentence: "The proxy MUST NOT reorder or change fields that it does not know.",
			extra: "Via: SIP/2.0/TCP far.example;branch=z9hG4bKfar;x=\"a b\"\nWarning: 399 x \"y\"\nPriority: urgent\n", to: "sip:202@10.0.1.2:5060",
			fields: map[string]string{"Warning": `399 x "y"`, "Priority": "urgent"}},
	} {
		t.Run(tt.sentence[:min(60, len(tt.sentence))], func(t *testing.T) {
			bubble(t, func(t *testing.T, o *office) {
				p := o.phone("101")
				o.phone("102")
				a, b := p.client("201"), p.client("202")
				a.Vars["N"] = "1"
				if tt.uri == "" {
					tt.uri = "sip:202@office"
				}
				a.message(tt.uri, tt.extra)
				if tt.status != "" {
					status, fields, _ := strings.Cut(tt.status, " ")
					res := a.Expect("^SIP/2.0 " + status + " ")
					if name, value, ok := strings.Cut(fields, ": "); ok && strings.Join(res.Header[name], ", ") != value {
						t.Errorf("%s: %q", name, res.Header[name])
					}
				} else {
					req := b.Expect("^MESSAGE " + tt.to + " ")
					for name, value := range tt.fields {
						if req.Get(name) != value {
							t.Errorf("%s: %q, want %q", name, req.Get(name), value)
						}
					}
					if tt.not != "" && req.Get(tt.not) != "" {
						t.Errorf("%s: %q", tt.not, req.Get(tt.not))
					}
					b.answer("200 OK", "")
					if res := a.Expect("^SIP/2.0 200 "); len(res.Header["Via"]) != len(req.Header["Via"])-1 {
						t.Errorf("Via of the response %q", res.Header["Via"])
					}
				}
				synctest.Wait()
				p.idle()
			})
		})
	}
}

// A strict router before us: section 16.12.1.2 within a dialog.
func TestStrictRouter(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phone("101")
		a, b := p.client("201"), p.client("202")
		_, callee := a.talk(b)
		req := callee("INFO", "9", "")
		req = strings.Replace(req, "INFO sip:201@10.0.1.1:5060 ", "INFO sip:10.0.0.1:5060;lr ", 1)
		req = strings.Replace(req, "Route: <sip:10.0.0.1:5060;lr>", "Route: <sip:201@10.0.1.1:5060>", 1)
		b.Send(req)
		got := a.Expect(`^INFO sip:201@10\.0\.1\.1:5060 `)
		if got.Get("Route") != "" {
			t.Errorf("Route %q", got.Header["Route"])
		}
		a.answer("200 OK", "")
		b.Expect("^SIP/2.0 200 ")
	})
}

// A request that comes back as it was is a loop, one that comes back with another
// Request-URI is a spiral.
func TestLoop(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p, q := o.phone("101"), o.phone("102")
		a, b := p.client("201"), p.client("202")
		b.Vars["N"] = "y"
		a.Vars["N"] = "1"
		p.bind("203@office", "sip:203@10.0.0.9:5060", "") // a client that sends back what it gets
		back := echo(o, "10.0.0.9:5060", func(m string) string { return strings.Replace(m, "sip:203@10.0.0.9:5060 ", "sip:203@office ", 1) })
		a.message("sip:203@office", "")
		a.Expect("^SIP/2.0 482 ")
		back("MESSAGE sip:203@10.0.0.9:5060 ", "MESSAGE sip:202@office ")
		a.message("sip:203@office", "")
		req := b.Expect("^MESSAGE sip:202@10.0.1.2:5060 ")
		if len(req.Header["Via"]) != 4 {
			t.Errorf("Via %q", req.Header["Via"])
		}
		b.answer("200 OK", "")
		a.Expect("^SIP/2.0 200 ")
		p.idle()
		q.idle()
	})
}

// echo is an old proxy that sends requests back with another Request-URI, and
// responses on.
func echo(o *office, at string, edit func(string) string) func(from, to string) {
	conn, err := o.net.Packets(addr(at))
	if err != nil {
		o.t.Fatal(err)
	}
	done := make(chan struct{})
	o.t.Cleanup(func() { conn.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, 65536)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			m := string(buf[:n])
			own := "Via: SIP/2.0/UDP " + at + ";branch=z9hG4bK" + wire.Token() + "\r\n"
			if strings.HasPrefix(m, "SIP/2.0") {
				if i := strings.Index(m, "Via: SIP/2.0/UDP "+at); i >= 0 {
					j := i + strings.Index(m[i:], "\r\n") + 2
					m = m[:i] + m[j:]
				}
			} else {
				start, rest, _ := strings.Cut(edit(m), "\r\n")
				m = start + "\r\n" + own + rest
			}
			conn.WriteTo([]byte(m), from)
		}
	}()
	return func(from, to string) { edit = func(m string) string { return strings.Replace(m, from, to, 1) } }
}

// Many calls at once: no 200 before the 180 that came before it.
func TestOrder(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phone("101")
		a, b := p.client("201"), p.client("202")
		const calls = 80 // the queue of a client has room for 256 datagrams
		go func() {
			for range calls {
				b.Expect("^INVITE ")
				b.answer("180 Ringing", "")
				b.answer("200 OK", "")
			}
		}()
		var ids []string
		for range calls {
			a.invite("202", "")
			ids = append(ids, a.Vars["Call"])
		}
		seen := map[string]string{}
		for range 3 * calls {
			m := a.Expect("^SIP/2.0 (100|180|200) ")
			seen[m.Get("Call-Id")] += m.Start[8:11] + " "
		}
		for _, id := range ids {
			if seen[id] != "100 180 200 " {
				t.Fatalf("%s: %s", id, seen[id])
			}
		}
	})
}

// Beyond Calls a new call is refused with a time to come back, and nothing happens
// to those at hand.
func TestRoom(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phone("101", func(c *Config, _ *stack.Config) { c.Calls = 2 })
		a, b := p.client("201"), p.client("202")
		caller, _ := a.talk(b)
		a.invite("202", "")
		a.Expect("^SIP/2.0 100 ")
		b.Expect("^INVITE ")
		ringing := b.Last
		a.invite("202", "")
		if res := a.Expect("^SIP/2.0 503 "); res.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		b.answerTo(ringing, "486 Busy Here", "")
		b.Expect("^ACK ")
		a.Expect("^SIP/2.0 486 ")
		a.Send(caller("INVITE", "2", ""))
		a.Expect("^SIP/2.0 100 ")
		b.Expect("^INVITE ")
		b.answer("200 OK", "")
		a.Expect("^SIP/2.0 200 ")
		a.hangUp(caller, "3", b)
		synctest.Wait()
		p.idle()
	})
}

// "If the selected response is a 401 or 407, the proxy MUST collect any
// WWW-Authenticate and Proxy-Authenticate header field values from all other 401 and
// 407 responses received so far in this response context".
func TestChallenges(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phone("101")
		a, b, c := p.client("201"), p.client("202"), p.client("203")
		p.bind("202@office", c.own, "")
		a.invite("202", "")
		a.Expect("^SIP/2.0 100 ")
		b.Expect("^INVITE ")
		b.answer("401 Unauthorized", "WWW-Authenticate: Digest realm=\"b\"\n")
		b.Expect("^ACK ")
		c.Expect("^INVITE ")
		c.answer("407 Proxy Authentication Required", "Proxy-Authenticate: Digest realm=\"c\"\nProxy-Authenticate: Digest realm=\"d\"\n")
		res := a.Expect("^SIP/2.0 401 ")
		same(t, "all", append(res.Header["Www-Authenticate"], res.Header["Proxy-Authenticate"]...), `Digest realm="b"`, `Digest realm="c"`, `Digest realm="d"`)
	})
}
