package ua

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/siptest"
)

// pair has 101 call 102, which are both telephones, and speak.
func pair(o *office) (a, b *phone, in string) {
	o.t.Helper()
	a, b = o.phone("101", "10.0.0.1"), o.phone("102", "10.0.0.2")
	return a, b, connect(a, b, "x", "102")
}

// connect has a call b as call; it returns b's name for it.
func connect(a, b *phone, call, number string) string {
	a.t.Helper()
	a.Dial(call, number)
	in := b.expect("^offered").(Offered).Call
	a.expect("^progress 180")
	b.Answer(in)
	b.expect("^answered")
	a.expect("^answered")
	synctest.Wait()
	return in
}

func description(direction string) string {
	return "v=0\no=- 1 1 IN IP4 10.9.9.9\ns=-\nc=IN IP4 10.9.9.9\nt=0 0\nm=audio 4000 RTP/AVP 0\na=" + direction
}

func TestHold(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b, in := pair(o)
		a.Hold("x", true)
		a.expect("^held=true by=us$")
		if got := a.dialogs(); got != "to sip:102@office confirmed held" {
			t.Error("dialogs: ", got)
		}
		b.Hold(in, true)
		b.expect("^held=true by=us$")
		a.Hold("x", false)
		a.expect("^held=false by=us$")
		b.Hold(in, false)
		b.expect("^held=false by=us$")
		got := a.media(0).history()
		if want := "offer , accept v=0 answer, hold=true , accept v=0 answer, answer v=0 hold=true, hold=false , accept v=0 answer, answer v=0 hold=false"; got != want {
			t.Error("negotiated ", got)
		}
		b.Hangup(in)
		b.expect("^ended 200")
		a.expect("^ended 200")
	})
}

// Both hold at the same moment: "If a UA receives a 491 response to a
// re-INVITE, it SHOULD start a timer" (RFC 3261, section 14.1).
func TestHoldGlare(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b, in := pair(o)
		start := time.Now()
		a.Hold("x", true)
		b.Hold(in, true)
		b.expect("^held=true by=us$")
		if d := time.Since(start); d > 2100*time.Millisecond {
			t.Error("the side without the Call-ID waited ", d)
		}
		a.expect("^held=true by=us$")
		if d := time.Since(start); d < 2100*time.Millisecond || d > 4100*time.Millisecond {
			t.Error("the owner of the Call-ID waited ", d)
		}
	})
}

// The far side holds: by its direction, or by no address as older ones do.
func TestHeldByFar(t *testing.T) {
	inBubble(t, func(o *office) {
		a, p, in := talking(o)
		seq := 2
		change := func(method, body, event string) siptest.Message {
			t.Helper()
			request(p, method, seq, body)
			res := p.Expect("^SIP/2.0 200 ")
			if method == "INVITE" {
				request(p, "ACK", seq, "")
			}
			if event != "" {
				a.expect(event)
			}
			seq++
			return res
		}
		change("INVITE", description("sendonly"), "^held=true by=far$")
		change("INVITE", description("inactive"), "")
		change("INVITE", description("sendrecv"), "^held=false by=far$")
		change("INVITE", strings.Replace(description("sendrecv"), "c=IN IP4 10.9.9.9", "c=IN IP4 0.0.0.0", 1), "^held=true by=far$")
		// UPDATE does the same (RFC 3311), with a description or without.
		if res := change("UPDATE", description("sendrecv"), "^held=false by=far$"); res.Body != "v=0 answer\r\n" {
			t.Errorf("UPDATE: %q", res.Body)
		}
		if res := change("UPDATE", "", ""); res.Body != "" {
			t.Errorf("UPDATE: %q", res.Body)
		}
		request(p, "UPDATE", seq, "v=0 refuse")
		p.Expect("^SIP/2.0 488 ")
		seq++

		// Our own, refused; while it is under way UPDATE with an offer has to wait.
		a.Hold(in.Call, true)
		inv := p.Expect("^INVITE sip:102@10.9.9.9:5061;transport=tls ")
		if inv.Body != "v=0 hold=true\r\n" || !strings.Contains(inv.Get("To"), ";tag=bob") {
			t.Errorf("re-INVITE %v", inv)
		}
		request(p, "UPDATE", seq, description("sendrecv"))
		p.Expect("^SIP/2.0 491 ")
		p.Last = inv
		p.Reply("488 Not Acceptable Here", "")
		p.Expect("^ACK ")
		a.expect("^held=false by=us$")
		if got := a.media(0).history(); !strings.HasSuffix(got, "hold=true , hold=false ") {
			t.Error("the media were left held: ", got)
		}

		// A 200 that comes again is acknowledged again, each under its own CSeq.
		a.Hold(in.Call, true)
		inv = p.Expect("^INVITE ")
		for range 2 {
			p.Last = inv
			p.Reply("200 OK", contact102+"Content-Type: application/sdp\n\n"+description("recvonly")+"\n")
			if ack := p.Expect("^ACK "); ack.Get("Cseq") != strings.Replace(inv.Get("Cseq"), "INVITE", "ACK", 1) {
				t.Error("ACK ", ack.Get("Cseq"))
			}
		}
		a.expect("^held=true by=us$")

		a.Hold(in.Call, false)
		inv = p.Expect("^INVITE ")
		p.Reply("481 Call/Transaction Does Not Exist", "")
		p.Expect("^ACK ")
		p.Expect("^BYE ")
		a.expect("^ended 481 by=far")
		p.Reply("200 OK", "")
	})
}
