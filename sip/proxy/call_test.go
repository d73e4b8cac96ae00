package proxy

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A call from client to client of one phone: what the proxy may change it changes,
// what it must leave alone it leaves alone, and nothing is left in the end.
func TestCall(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phone("101")
		a, b := p.client("201"), p.client("202")
		a.invite("202", `
X-Unknown:   kept = "as it is" , so
Supported: 100rel
Subject: hello
Require: 100rel
`)
		a.Expect("^SIP/2.0 100 ")
		inv := b.Expect(`^INVITE sip:202@10\.0\.1\.2:5060 SIP/2\.0$`)
		same(t, "Via", inv.Header["Via"][1:], inv.Header["Via"][1])
		if !strings.HasPrefix(inv.Header["Via"][0], "SIP/2.0/UDP 10.0.0.1:5060;") || !strings.Contains(inv.Header["Via"][1], "10.0.1.1:5060") {
			t.Errorf("Via %q", inv.Header["Via"])
		}
		// "The proxy MUST insert a Record-Route header field value ... The URI
		// placed in the Record-Route header field value MUST ... contain an lr parameter."
		same(t, "Record-Route", inv.Header["Record-Route"], "<sip:10.0.0.1:5060;lr>")
		same(t, "fields", []string{inv.Get("Max-Forwards"), inv.Get("X-Unknown"), inv.Get("Subject"), inv.Get("Require"), inv.Get("From"), inv.Get("To"), inv.Get("Contact"), inv.Body},
			"69", `kept = "as it is" , so`, "hello", "100rel", `"A caller" <sip:201@office>;tag=t201`, "<sip:202@office>", "<sip:201@10.0.1.1:5060>", "v=0\r\n")
		b.answer("180 Ringing", "RSeq: 1\nRequire: 100rel\n")
		ringing := a.Expect("^SIP/2.0 180 ")
		if len(ringing.Header["Via"]) != 1 || ringing.Get("RSeq") != "1" {
			t.Errorf("%+v", ringing)
		}
		b.answerTo(inv, "200 OK", "Content-Type: application/sdp\n\nv=0 answer\n")
		ok := a.Expect("^SIP/2.0 200 ")
		if ok.Body != "v=0 answer\r\n" {
			t.Errorf("%q", ok.Body)
		}
		caller, callee := a.dialogOf(ok), b.dialogOf(inv)
		a.Send(caller("ACK", "1", ""))
		ack := b.Expect(`^ACK sip:202@10\.0\.1\.2:5060 `)
		if ack.Get("Route") != "" || ack.Get("Max-Forwards") != "69" || len(ack.Header["Via"]) != 2 {
			t.Errorf("%+v", ack)
		}
		b.Send(callee("INVITE", "7", "\n"))
		b.Expect("^SIP/2.0 100 ")
		a.Expect(`^INVITE sip:201@10\.0\.1\.1:5060 `)
		a.answer("200 OK", "")
		b.Expect("^SIP/2.0 200 ")
		b.Send(callee("ACK", "7", ""))
		a.Expect("^ACK ")
		a.hangUp(caller, "2", b)
		synctest.Wait()
		p.idle()
		same(t, "caller", p.heard("201@office"), "initiator trying", "initiator early", "initiator confirmed", "initiator terminated")
		same(t, "callee", p.heard("202@office"), "recipient trying", "recipient early", "recipient confirmed", "recipient terminated")
	})
}

// Three contacts ring; the one that answers gets the call, the others hear that it
// was answered elsewhere.
func TestForking(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phone("101")
		a := p.client("201")
		var at []*client
		for _, user := range []string{"202", "203", "204"} {
			c := p.client(user)
			at = append(at, c)
			if user != "202" {
				p.bind("202@office", c.own, "")
			}
		}
		a.invite("202", "")
		a.Expect("^SIP/2.0 100 ")
		for _, c := range at {
			c.Expect("^INVITE ")
			c.answer("180 Ringing", "")
			a.Expect("^SIP/2.0 180 ")
		}
		at[1].answer("200 OK", "")
		ok := a.Expect("^SIP/2.0 200 ")
		for _, i := range []int{0, 2} {
			inv := at[i].Last
			cancel := at[i].Expect("^CANCEL ")
			if !strings.Contains(cancel.Get("Reason"), "cause=200") {
				t.Errorf("Reason %q", cancel.Get("Reason"))
			}
			at[i].answer("200 OK", "")
			at[i].answerTo(inv, "487 Request Terminated", "")
			at[i].Expect("^ACK ")
		}
		// A 2xx that comes late is another dialog for the caller to end.
		a.Send(a.dialogOf(ok)("ACK", "1", ""))
		at[1].Expect("^ACK ")
		a.hangUp(a.dialogOf(ok), "2", at[1])
		a.Quiet(time.Second)
		p.idle()
	})
}

// The callee's 200 is on its way when its sibling's has been passed on.
func TestBothAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phone("101")
		a, b, c := p.client("201"), p.client("202"), p.client("203")
		p.bind("202@office", c.own, "")
		a.invite("202", "")
		a.Expect("^SIP/2.0 100 ")
		b.Expect("^INVITE ")
		c.Expect("^INVITE ")
		b.answer("200 OK", "")
		c.answer("200 OK", "")
		for range 2 {
			a.Expect("^SIP/2.0 200 ")
			a.Send(a.dialogOf(a.Last)("ACK", "1", ""))
		}
		b.Expect("^ACK ")
		c.Expect("^ACK ")
		same(t, "still one call for the caller", p.heard("201@office"), "initiator trying", "initiator confirmed")
		a.hangUp(a.dialogOf(a.Last), "2", c)
		same(t, "and still", p.heard("201@office"), "initiator trying", "initiator confirmed")
		b.Send(`BYE sip:201@10.0.1.1:5060 SIP/2.0
			Via: SIP/2.0/UDP 10.0.1.2:5060;branch=z9hG4bKbye
			Route: <sip:10.0.0.1;lr>
			From: <sip:202@office>;tag=t202
			To: <sip:201@office>;tag=t201
			Call-ID: ` + a.Vars["Call"] + `
			CSeq: 1 BYE
			`)
		a.Expect("^BYE ")
		a.answer("200 OK", "")
		b.Expect("^SIP/2.0 200 ")
		synctest.Wait()
		p.idle()
		same(t, "until the last", p.heard("201@office"), "initiator trying", "initiator confirmed", "initiator terminated")
	})
}

// CANCEL from the caller reaches all branches, with its reason.
func TestCancel(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phone("101")
		a, b, c := p.client("201"), p.client("202"), p.client("203")
		p.bind("202@office", c.own, "")
		a.invite("202", "")
		a.Expect("^SIP/2.0 100 ")
		for _, x := range []*client{b, c} {
			x.Expect("^INVITE ")
			x.answer("180 Ringing", "")
			a.Expect("^SIP/2.0 180 ")
		}
		a.Send(`CANCEL sip:202@office SIP/2.0
			Via: SIP/2.0/UDP 10.0.1.1:5060;branch=${Branch-Of-Invite}
			Max-Forwards: 70
			From: <sip:201@office>;tag=t201
			To: <sip:202@office>
			Call-ID: ${Call}
			CSeq: 1 CANCEL
			Reason: Q.850;cause=16
			`)
		a.Expect("^SIP/2.0 200 ")
		for _, x := range []*client{b, c} {
			inv := x.Last
			if cancel := x.Expect("^CANCEL "); cancel.Get("Reason") != "Q.850;cause=16" {
				t.Errorf("Reason %q", cancel.Get("Reason"))
			}
			x.answer("200 OK", "")
			x.answerTo(inv, "487 Request Terminated", "")
		}
		a.Expect("^SIP/2.0 487 ")
		a.Send(a.dialogOf(a.Last)("ACK", "1", ""))
		synctest.Wait()
		p.idle()
		same(t, "caller", p.heard("201@office"), "initiator trying", "initiator early", "initiator terminated")
	})
}

// Nobody answers: the caller hears it when Timer B has run, and a caller whose call
// nobody can reach hears it at once.
func TestNobody(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phone("101")
		a := p.client("201")
		p.bind("202@office", "sip:202@10.0.9.9:5060", "")
		p.bind("203@office", "sip:203@10.0.9.9:5060;transport=tcp", "")
		p.bind("204@office", "sip:204@elsewhere.example", "")
		a.Patience = time.Minute
		a.invite("202", "")
		a.Expect("^SIP/2.0 100 ")
		start := time.Now()
		a.Expect("^SIP/2.0 408 ")
		if d := time.Since(start); d != 32*time.Second {
			t.Errorf("after %v", d)
		}
		a.invite("203", "")
		a.Expect("^SIP/2.0 100 ")
		a.Expect("^SIP/2.0 480 ")
		a.invite("204", "")
		a.Expect("^SIP/2.0 480 ")
		time.Sleep(time.Minute)
		p.idle()
	})
}
