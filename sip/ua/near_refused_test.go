package ua

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Who knows all about a dialog but has another certificate ends and moves
// nothing (threat T5).
func TestNearSpoofed(t *testing.T) {
	inBubble(t, func(o *office) {
		a, p, in := talking(o)
		q := o.caller("103", a)
		for k, v := range p.Vars {
			q.Vars[k] = v
		}
		for i, m := range []string{"BYE", "INVITE", "OPTIONS", "UPDATE", "REFER", "NOTIFY", "INFO"} {
			request(q, m, 100+i, "v=0 mine")
			q.Expect("^SIP/2.0 481 ")
		}
		for i, m := range []string{"MESSAGE", "PRACK", "SUBSCRIBE", "PUBLISH", "REGISTER"} {
			request(q, m, 200+i, "")
			if got := q.Expect("^SIP/2.0 405 "); got.Get("Allow") != allow {
				t.Error("Allow: ", got.Get("Allow"))
			}
		}
		// The peer itself, with wrong tags or an old number.
		for _, wrong := range []string{"tag=bob", "tag=${Local}", "Call-ID: ${ID}"} {
			p.Vars["B"], p.Vars["M"], p.Vars["N"] = "w"+wrong[:5], "BYE", "9"
			p.Send(strings.Replace(within, wrong, wrong+"x", 1))
			p.Expect("^SIP/2.0 481 ")
		}
		request(p, "BYE", 1, "")
		p.Expect("^SIP/2.0 500 ")
		a.quiet(time.Minute)
		request(p, "OPTIONS", 2, "")
		p.Expect("^SIP/2.0 200 ")
		request(p, "PRACK", 3, "")
		p.Expect("^SIP/2.0 405 ")
		request(p, "BYE", 4, "")
		p.Expect("^SIP/2.0 200 ")
		a.expect("^ended 200 by=far")
		request(p, "BYE", 5, "")
		p.Expect("^SIP/2.0 481 ")
		a.Hangup(in.Call) // nothing is left of it
		p.Quiet(time.Second)
	})
}

// What is wrong with each request, and how it is refused. None of them rings.
func TestNearRefuses(t *testing.T) {
	replace := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(inviteText) }
	inBubble(t, func(o *office) {
		a := o.phone("101", "10.0.0.1")
		p := o.caller("102", a)
		p.Vars["ID"] = "refused"
		for i, c := range []struct{ what, text, want, field string }{
			{"another user", replace("sip:101@office SIP", "sip:109@office SIP"), "404", ""},
			{"another host", replace("sip:101@office SIP", "sip:101@10.0.0.7 SIP"), "404", ""},
			{"no user", replace("sip:101@office SIP", "sip:office SIP"), "404", ""},
			{"another user, last hop", replace("sip:101@office SIP", "sip:109@office SIP", "Forwards: 70", "Forwards: 0"), "483", ""},
			{"somebody else's number", replace(`sip:102@office>;tag`, `sip:103@office>;tag`), "403", ""},
			{"our own number", replace(`sip:102@office>;tag`, `sip:101@office>;tag`), "403", ""},
			{"another office", replace(`sip:102@office>;tag`, `sip:102@elsewhere>;tag`), "403", ""},
			{"a telephone number", replace("sip:101@office SIP", "tel:101 SIP"), "416", ""},
			{"unknown scheme", replace("sip:101@office SIP", "nobodyKnowsThisScheme:totallyopaquecontent SIP"), "416", ""},
			{"version", replace("SIP/2.0\n", "SIP/7.0\n"), "505", ""},
			{"100rel", replace("CSeq", "Require: 100rel, foo\nCSeq"), "420", "Unsupported"},
			{"content type", replace("application/sdp", "text/plain"), "415", "Accept"},
			{"no content type", replace("Content-Type: application/sdp", "X: y"), "415", "Accept"},
			{"encoding", replace("CSeq", "Content-Encoding: gzip\nCSeq"), "415", "Accept-Encoding"},
			{"accept", replace("CSeq", "Accept: text/plain\nCSeq"), "406", ""},
			{"unknown method", replace("INVITE", "NEWMETHOD"), "501", "Allow"},
			{"method of CSeq", replace("1 INVITE", "1 BYE"), "400", ""},
			{"CSeq too large", replace("1 INVITE", "36893488147419103232 INVITE"), "400", ""},
			{"no From", replace("From:", "X-From:"), "400", ""},
			{"no From tag", replace(";tag=bob", ""), "400", ""},
			{"two From", replace("CSeq", "From: <sip:103@office>;tag=eve\nCSeq"), "400", ""},
			{"From in two forms", replace("CSeq", "f: <sip:103@office>;tag=eve\nCSeq"), "400", ""},
			{"no To", replace("To: <sip:101@office>", "X: y"), "400", ""},
			{"bad To", replace("To: <sip:101@office>", "To: <sip:101@office"), "400", ""},
			{"no Call-ID", replace("Call-ID", "X-ID"), "400", ""},
			{"no Contact", replace("Contact:", "X-Contact:"), "400", ""},
			{"two Contacts", replace("CSeq", "m: <sip:103@10.3.3.3>\nCSeq"), "400", ""},
			{"any Contact", replace("<sip:102@10.9.9.9:5061;transport=tls>", "*"), "400", ""},
			{"Max-Forwards", replace("Forwards: 70", "Forwards: 4294967296"), "400", ""},
			{"bad offer", replace("v=0 far", "v=0 refuse"), "488", ""},
			{"garbled offer", replace("v=0 far", "garbled"), "400", ""},
			{"To tag", replace("To: <sip:101@office>", "To: <sip:101@office>;tag=lost"), "481", ""},
			{"BYE of nothing", replace("INVITE", "BYE"), "481", ""},
			{"REGISTER", replace("INVITE", "REGISTER"), "405", "Allow"},
			{"REFER of nothing", replace("INVITE", "REFER", "CSeq", "Refer-To: <sip:103@office>\nCSeq"), "403", ""},
			{"NOTIFY of nothing", replace("INVITE", "NOTIFY", "CSeq", "Event: refer\nSubscription-State: active\nCSeq"), "481", ""},
			{"UPDATE of nothing", replace("INVITE", "UPDATE"), "481", ""},
		} {
			p.Vars["B"] = fmt.Sprint("refused", i)
			p.Send(c.text)
			r := p.Expect("^SIP/2.0 ")
			if r.Start == "SIP/2.0 100 Trying" {
				r = p.Expect("^SIP/2.0 ")
			}
			if !strings.HasPrefix(r.Start, "SIP/2.0 "+c.want) {
				t.Errorf("%s: %s; want %s", c.what, r.Start, c.want)
			}
			if c.field != "" && r.Get(c.field) == "" {
				t.Errorf("%s: no %s", c.what, c.field)
			}
		}
		// Nothing at all is said to these.
		for i, text := range []string{
			replace("Via:", "X-Via:"), replace("INVITE", "ACK"),
		} {
			p.Vars["B"] = fmt.Sprint("mute", i)
			p.Send(text)
		}
		p.Quiet(time.Second)
		a.quiet(time.Minute)

		// And these are as good as any.
		p.Vars["B"] = "options"
		p.Send(replace("INVITE", "OPTIONS", "Forwards: 70", "Forwards: 0"))
		if r := p.Expect("^SIP/2.0 200 "); r.Get("Allow") != allow || r.Get("Accept") != accept {
			t.Errorf("bad answer to OPTIONS: %v", r)
		}
		p.Vars["B"] = "compact"
		p.Send(replace("Via:", "v:", "From:", "f:", "To:", "t:", "Call-ID:", "i:", "Contact:", "m:", "Content-Type:", "c:", ";tag", " ; TAG"))
		p.Expect("100")
		p.Expect("180")
		a.expect("^offered from=102")
		p.Vars["B"] = "merged"
		p.Send(inviteText)
		p.Expect("482")
	})
}

// Nothing in an INVITE opens the microphone (threat T18), and what the caller
// calls itself is fit to be shown.
func TestNearNeverAnswersByItself(t *testing.T) {
	inBubble(t, func(o *office) {
		a := o.phone("101", "10.0.0.1")
		p := o.caller("102", a)
		p.Vars["B"], p.Vars["ID"] = "auto", "auto"
		p.Send(strings.NewReplacer("CSeq", `Alert-Info: <http://x>;info=alert-autoanswer;delay=0
			Call-Info: <sip:x>;answer-after=0
			Answer-Mode: Auto
			Priv-Answer-Mode: Auto
			P-Auto-Answer: normal
			CSeq`, `"Bob"`, `"Bob `+"\u202e\u2066"+strings.Repeat("x", 200)+`"`).Replace(inviteText))
		p.Expect("100")
		p.Expect("180")
		in := a.expect("^offered").(Offered)
		if n := len([]rune(in.Name)); n > 64 || strings.ContainsAny(in.Name, "\u202e\u2066") {
			t.Errorf("name %q", in.Name)
		}
		p.Quiet(ringTime - time.Second)
		p.Expect("480")
		a.expect("^ended 480 by=us")
	})
}

// One telephone gone mad costs itself time and others nothing.
func TestNearFlood(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b := o.phone("101", "10.0.0.1"), o.phone("103", "10.0.0.3")
		p := o.caller("102", a)
		p.Drain()
		for i := range 2000 {
			p.Vars["B"], p.Vars["ID"] = fmt.Sprint("f", i), fmt.Sprint("f", i)
			p.Send(inviteText)
		}
		rings := 0
		b.Dial("honest", "101")
		for i := 0; i < 1; {
			switch e := (<-a.Events()).(type) {
			case Offered:
				if e.From == "103" {
					i++
				} else {
					rings++
				}
			}
		}
		b.expect("^progress 180")
		if rings > 4 {
			t.Errorf("%d calls of one caller ring at once", rings)
		}
		synctest.Wait()
	})
}
