package ua

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/siptest"
)

// These tests have a script call the telephone 101.

const inviteText = `INVITE sip:101@office SIP/2.0
	Via: SIP/2.0/TLS 10.9.9.9:5061;branch=z9hG4bK${B}
	Max-Forwards: 70
	From: "Bob" <sip:102@office>;tag=bob
	To: <sip:101@office>
	Call-ID: ${ID}
	CSeq: 1 INVITE
	Contact: <sip:102@10.9.9.9:5061;transport=tls>
	Content-Type: application/sdp

	v=0 far
	`

// within is a request in the dialog of that INVITE.
const within = `${M} sip:101@10.0.0.1:5061;transport=tls SIP/2.0
	Via: SIP/2.0/TLS 10.9.9.9:5061;branch=z9hG4bK${B}
	Max-Forwards: 70
	From: <sip:102@office>;tag=bob
	To: <sip:101@office>;tag=${Local}
	Call-ID: ${ID}
	CSeq: ${N} ${M}
	Contact: <sip:102@10.9.9.9:5061;transport=tls>
	`

var branches int

func request(p *siptest.Peer, method string, seq int, body string) {
	branches++
	p.Vars["B"], p.Vars["M"], p.Vars["N"] = fmt.Sprint("b", branches), method, fmt.Sprint(seq)
	if body != "" {
		body = "Content-Type: application/sdp\n\n" + body + "\n"
	}
	p.Send(within + body)
}

// ringingPhone has a script ring 101.
func ringingPhone(o *office) (*phone, *siptest.Peer, Offered) {
	o.t.Helper()
	a := o.phone("101", "10.0.0.1")
	p := o.caller("102", a)
	p.Patience = 40 * time.Second
	p.Vars["B"], p.Vars["ID"] = "first", "one"
	p.Send(inviteText)
	p.Expect("^SIP/2.0 100 Trying$")
	r := p.Expect("^SIP/2.0 180 Ringing$")
	_, local, _ := strings.Cut(r.Get("To"), ";tag=")
	p.Vars["Local"] = local
	return a, p, a.expect(`^offered from=102 name="Bob"`).(Offered)
}

func talking(o *office) (*phone, *siptest.Peer, Offered) {
	o.t.Helper()
	a, p, in := ringingPhone(o)
	a.Answer(in.Call)
	res := p.Expect("^SIP/2.0 200 OK$")
	if res.Body != "v=0 answer\r\n" || res.Get("Contact") != "<sip:101@10.0.0.1:5061;transport=tls>" || res.Get("Allow") == "" {
		o.t.Errorf("bad 200: %v", res)
	}
	a.expect("^answered peer=102")
	request(p, "ACK", 1, "")
	return a, p, in
}

func TestNearAckLost(t *testing.T) {
	inBubble(t, func(o *office) {
		a, p, in := ringingPhone(o)
		a.Answer(in.Call)
		a.expect("^answered")
		start := time.Now()
		for _, at := range []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond, 7500 * time.Millisecond} {
			p.Expect("^SIP/2.0 200 ")
			if d := time.Since(start); d != at {
				t.Errorf("200 at %v, want %v", d, at)
			}
		}
		for range 6 {
			p.Expect("^SIP/2.0 200 ")
		}
		p.Expect("^BYE sip:102@10.9.9.9:5061;transport=tls ")
		p.Reply("200 OK", "")
		a.expect("^ended 408 by=us")
		if d := time.Since(start); d != giveUpTime {
			t.Error("given up after ", d)
		}
	})
}

func TestNearAnsweredAndHungUp(t *testing.T) {
	inBubble(t, func(o *office) {
		a, p, in := talking(o)
		p.Quiet(time.Minute)
		a.Hangup(in.Call)
		a.expect("^ended 200 by=us")
		bye := p.Expect("^BYE sip:102@10.9.9.9:5061;transport=tls ")
		if !strings.Contains(bye.Get("To"), ";tag=bob") || !strings.Contains(bye.Get("From"), p.Vars["Local"]) {
			t.Errorf("bad BYE %v", bye)
		}
		p.Reply("200 OK", "")
		p.Quiet(time.Minute)
	})
}

func TestNearCancel(t *testing.T) {
	inBubble(t, func(o *office) {
		a, p, _ := ringingPhone(o)
		text := `CANCEL sip:101@office SIP/2.0
			Via: SIP/2.0/TLS 10.9.9.9:5061;branch=z9hG4bK${B}
			From: "Bob" <sip:102@office>;tag=bob
			To: <sip:101@office>
			Call-ID: one
			CSeq: 1 CANCEL
			Max-Forwards: 70
			Reason: SIP;cause=200;text="Call completed elsewhere"
			`
		p.Vars["B"] = "guess"
		p.Send(text)
		p.Expect("^SIP/2.0 481 ")
		// The same caller over another connection, and somebody else.
		for _, user := range []string{"102", "103"} {
			q := o.caller(user, a)
			q.Vars["B"] = "first"
			q.Send(text)
			q.Expect("^SIP/2.0 481 ")
		}
		a.quiet(time.Second)
		p.Vars["B"] = "first"
		p.Send(text)
		p.Expect("^SIP/2.0 200 OK$")
		p.Expect("^SIP/2.0 487 Request Terminated$")
		a.expect(`^ended 487 by=far cause="Call completed elsewhere"`)
		p.Send(strings.Replace(inviteText, "INVITE", "ACK", 1)) // wrong: CSeq says INVITE
		p.Send(strings.ReplaceAll(text, "CANCEL", "ACK"))
		synctest.Wait()
		p.Send(text) // late: nothing is there any more
		p.Expect("^SIP/2.0 481 ")
		p.Quiet(time.Minute)
	})
}

func TestNearReinvite(t *testing.T) {
	inBubble(t, func(o *office) {
		a, p, _ := talking(o)
		request(p, "INVITE", 2, "v=0 hold")
		res := p.Expect("^SIP/2.0 200 ")
		if res.Body != "v=0 answer\r\n" {
			t.Errorf("body %q", res.Body)
		}
		request(p, "INVITE", 3, "v=0 again")
		p.Expect("^SIP/2.0 491 ") // ACK has not come
		request(p, "ACK", 3, "")  // ... nor has it for that one
		p.Expect("^SIP/2.0 200 ")
		request(p, "ACK", 2, "")
		request(p, "INVITE", 4, "v=0 refuse")
		p.Expect("^SIP/2.0 488 ")
		request(p, "INVITE", 5, "") // make us an offer
		if res := p.Expect("^SIP/2.0 200 "); res.Body != "v=0 offer\r\n" {
			t.Errorf("body %q", res.Body)
		}
		request(p, "ACK", 5, "v=0 mine")
		p.Quiet(time.Minute)
		if got := a.media(0).history(); got != "answer v=0 far, answer v=0 hold, answer v=0 refuse, offer , accept v=0 mine" {
			t.Error("negotiated ", got)
		}
		request(p, "BYE", 6, "")
		p.Expect("^SIP/2.0 200 ")
		a.expect("^ended 200 by=far")
	})
}

func TestNearDelayedOffer(t *testing.T) {
	inBubble(t, func(o *office) {
		a := o.phone("101", "10.0.0.1")
		p := o.caller("102", a)
		p.Vars["B"], p.Vars["ID"] = "first", "one"
		head, _, _ := strings.Cut(inviteText, "\tContent-Type")
		p.Send(head)
		p.Expect("100")
		p.Expect("180")
		a.Answer(a.expect("^offered").(Offered).Call)
		res := p.Expect("200")
		if res.Body != "v=0 offer\r\n" {
			t.Errorf("body %q", res.Body)
		}
		a.quiet(100 * time.Millisecond)
		_, p.Vars["Local"], _ = strings.Cut(res.Get("To"), ";tag=")
		request(p, "ACK", 1, "v=0 far")
		a.expect("^answered")
		request(p, "BYE", 2, "")
		p.Expect("200")
		a.expect("^ended")
	})
}
