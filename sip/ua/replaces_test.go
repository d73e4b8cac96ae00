package ua

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chordophone/sip/siptest"
)

// replacing sends an INVITE with a Replaces field (RFC 3891).
func replacing(p *siptest.Peer, id, field string) {
	p.Vars["B"], p.Vars["ID"] = id, id
	p.Send(strings.Replace(inviteText, "CSeq", "Replaces: "+field+"\n\tCSeq", 1))
}

// What names no call of ours is refused, and nothing rings or opens the
// microphone (threat T18).
func TestReplacesRefused(t *testing.T) {
	inBubble(t, func(o *office) {
		a, p, in := talking(o)
		local := p.Vars["Local"]
		q := o.caller("104", a)
		as := func(text string) string {
			return strings.NewReplacer("<sip:102@office>;tag=bob", "<sip:104@office>;tag=eve", "102@10.9", "104@10.9").Replace(text)
		}
		for i, c := range []struct{ field, want string }{
			{"one;to-tag=" + local + "x;from-tag=bob", "481"},
			{"one;to-tag=" + local + ";from-tag=bobx", "481"},
			{"two;to-tag=" + local + ";from-tag=bob", "481"},
			{"one;to-tag=bob;from-tag=" + local, "481"},
			{"one;to-tag=" + local + ";from-tag=bob;early-only", "486"},
			{"one;to-tag=" + local, "400"},
			{"one", "400"},
			{"", "400"},
			{"one;to-tag=" + local + ";from-tag=bob\n\tReplaces: one;to-tag=" + local + ";from-tag=bob", "400"},
		} {
			id := fmt.Sprint("r", i)
			q.Vars["B"], q.Vars["ID"] = id, id
			q.Send(as(strings.Replace(inviteText, "CSeq", "Replaces: "+c.field+"\n\tCSeq", 1)))
			if r := q.Expect("^SIP/2.0 "); !strings.HasPrefix(r.Start, "SIP/2.0 "+c.want) {
				t.Errorf("%q: %s, want %s", c.field, r.Start, c.want)
			}
		}
		// Nobody in between may do it in another's name.
		q.Vars["B"], q.Vars["ID"] = "name", "name"
		q.Send(strings.Replace(inviteText, "CSeq", "Replaces: one;to-tag="+local+";from-tag=bob\n\tCSeq", 1))
		q.Expect("^SIP/2.0 403 ")
		a.quiet(time.Minute)
		if got := a.dialogs(); got != "sip:102@office confirmed" {
			t.Error("dialogs: ", got)
		}

		// A session that does not suit leaves the old call alone; the right one
		// takes its place.
		q.Vars["B"], q.Vars["ID"] = "bad", "bad"
		good := as(strings.Replace(inviteText, "CSeq", "Replaces: one;to-tag="+local+";from-tag=bob\n\tRequire: replaces\n\tCSeq", 1))
		q.Send(strings.Replace(good, "v=0 far", "v=0 refuse", 1))
		q.Expect("100")
		q.Expect("488")
		a.quiet(time.Second)
		q.Vars["B"], q.Vars["ID"] = "good", "good"
		q.Send(good)
		q.Expect("100")
		q.Expect("200")
		if e := a.expect("^transferred new=in-[0-9]+ to=104").(Transferred); e.Call != in.Call {
			t.Error(e)
		}
		a.expect("^answered peer=104")
		a.expect(`^ended 200 by=us cause="transferred"`)
		p.Expect("^BYE ")
		p.Reply("200 OK", "")
	})
}

// A ringing call is taken by somebody who picks it up: only the side that
// called can be asked for that ("not initiated by this UA": 481).
func TestReplacesEarly(t *testing.T) {
	inBubble(t, func(o *office) {
		a, far, _ := called(o)
		inv := far.Last
		far.Vars["Tag"] = "ring"
		far.Reply("180 Ringing", "")
		a.expect("^progress 180")
		_, local, _ := strings.Cut(inv.Get("From"), ";tag=")
		q := o.caller("102", a)
		replacing(q, "pick", inv.Get("Call-Id")+";to-tag="+local+";from-tag=ring;early-only")
		q.Expect("100")
		q.Expect("200")
		a.expect("^transferred new=in-1 to=102")
		a.expect("^answered peer=102")
		a.expect(`^ended 487 by=us cause="transferred"`)
		far.Expect("^CANCEL ")

		b := o.phone("105", "10.0.0.5")
		p := o.caller("102", b)
		p.Vars["B"], p.Vars["ID"] = "first", "one"
		p.Send(strings.ReplaceAll(inviteText, "101", "105"))
		p.Expect("100")
		r := p.Expect("180")
		b.expect("^offered")
		_, local, _ = strings.Cut(r.Get("To"), ";tag=")
		p.Vars["B"], p.Vars["ID"] = "two", "two"
		p.Send(strings.ReplaceAll(strings.Replace(inviteText, "CSeq", "Replaces: one;to-tag="+local+";from-tag=bob\n\tCSeq", 1), "101", "105"))
		p.Expect("^SIP/2.0 481 ")
		b.quiet(time.Second)
	})
}
