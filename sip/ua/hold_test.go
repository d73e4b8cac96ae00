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

// ---- session timers: RFC 4028 ----

const timed90 = "Supported: timer\nSession-Expires: 90;refresher=%\n"

func withTimer(refresher string) string {
	return strings.Replace(inviteText, "CSeq", strings.Replace(timed90, "%", refresher, 1)+"CSeq", 1)
}

func TestTimerAsked(t *testing.T) {
	for refresher, want := range map[string]string{"uac": "90;refresher=uac", "uas": "90;refresher=uas"} {
		t.Run(refresher, func(t *testing.T) {
			inBubble(t, func(o *office) {
				a := o.phone("101", "10.0.0.1")
				p := o.caller("102", a)
				p.Patience = 2 * time.Minute
				p.Vars["B"], p.Vars["ID"] = "first", "one"
				p.Send(strings.Replace(withTimer(refresher), "Expires: 90", "Expires: 60", 1))
				if res := p.Expect("^SIP/2.0 422 "); res.Get("Min-Se") != "90" {
					t.Error("Min-SE ", res.Get("Min-Se"))
				}
				p.Vars["B"] = "second"
				p.Send(withTimer(refresher))
				p.Expect("100")
				p.Expect("180")
				a.Answer(a.expect("^offered").(Offered).Call)
				res := p.Expect("^SIP/2.0 200 ")
				if res.Get("Session-Expires") != want || res.Get("Require") != "timer" {
					t.Errorf("Session-Expires: %s, Require: %s", res.Get("Session-Expires"), res.Get("Require"))
				}
				_, p.Vars["Local"], _ = strings.Cut(res.Get("To"), ";tag=")
				a.expect("^answered")
				request(p, "ACK", 1, "")
				start := time.Now()
				if refresher == "uas" {
					inv := p.Expect("^INVITE ")
					if d := time.Since(start); d != 45*time.Second {
						t.Error("refreshed after ", d)
					}
					if inv.Get("Session-Expires") != "90;refresher=uac" || inv.Body != "v=0 offer\r\n" {
						t.Errorf("refresh %v", inv)
					}
					p.Reply("200 OK", contact102+"Session-Expires: 90;refresher=uac\n"+sdpBody)
					p.Expect("^ACK ")
					p.Expect("^INVITE ")
					if d := time.Since(start); d != 90*time.Second {
						t.Error("refreshed again after ", d)
					}
					p.Reply("422 Session Interval Too Small", "Min-SE: 100\n")
					p.Expect("^ACK ")
					if inv := p.Expect("^INVITE "); inv.Get("Session-Expires") != "100;refresher=uac" || inv.Get("Min-Se") != "100" {
						t.Errorf("refresh %v", inv)
					}
					p.Reply("200 OK", contact102+sdpBody) // without a timer: for ever
					p.Expect("^ACK ")
					p.Quiet(10 * time.Minute)
				} else {
					// "the BYE SHOULD be sent ... the minimum of 32 seconds and
					// one third of the session interval" before it expires.
					p.Expect("^BYE ")
					if d := time.Since(start); d != 60*time.Second {
						t.Error("given up after ", d)
					}
					p.Reply("200 OK", "")
					a.expect("^ended 408 by=us")
				}
			})
		})
	}
}

// "If the UAC does not support the session timer, the refresher is the UAS":
// RFC 4028, table 2. What is too short for us then holds for ever.
func TestTimerOfProxy(t *testing.T) {
	for expires, want := range map[string]string{"600": "600;refresher=uas", "60": "", "x": "", "0": ""} {
		inBubble(t, func(o *office) {
			a := o.phone("101", "10.0.0.1")
			p := o.caller("102", a)
			p.Vars["B"], p.Vars["ID"] = "first", "one"
			p.Send(strings.Replace(inviteText, "CSeq", "Session-Expires: "+expires+"\nCSeq", 1))
			p.Expect("100")
			p.Expect("180")
			a.Answer(a.expect("^offered").(Offered).Call)
			if res := p.Expect("^SIP/2.0 200 "); res.Get("Session-Expires") != want || res.Get("Require") != "" {
				t.Errorf("%s: Session-Expires: %s, Require: %s", expires, res.Get("Session-Expires"), res.Get("Require"))
			}
		})
	}
}

func TestTimerGranted(t *testing.T) {
	inBubble(t, func(o *office) {
		a, far, _ := called(o)
		far.Patience = time.Hour
		far.Reply("200 OK", contact102+"Require: timer\nSession-Expires: 600;refresher=uac\n"+sdpBody)
		far.Expect("^ACK ")
		a.expect("^answered")
		start := time.Now()
		inv := far.Expect("^INVITE ")
		if d := time.Since(start); d != 5*time.Minute {
			t.Error("refreshed after ", d)
		}
		far.Last = inv
		far.Reply("200 OK", contact102+"Require: timer\nSession-Expires: 600;refresher=uas\n"+sdpBody)
		far.Expect("^ACK ")
		start = time.Now()
		far.Expect("^BYE ")
		if d := time.Since(start); d != 10*time.Minute-32*time.Second {
			t.Error("given up after ", d)
		}
		a.expect("^ended 408 by=us")
	})
}
