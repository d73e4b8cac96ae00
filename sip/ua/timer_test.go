package ua

import (
	"strings"
	"testing"
	"time"
)

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
