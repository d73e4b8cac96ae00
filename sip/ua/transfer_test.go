package ua

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/siptest"
)

// 102 passes its caller 101 on to 103, without having spoken with 103.
func TestTransfer(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b, in := pair(o)
		c := o.phone("103", "10.0.0.3")
		b.Transfer(in, "103")
		moved := a.expect(`^transferred new=refer-1 to=103$`).(Transferred)
		offered := c.expect(`^offered from=101 name="Phone 101"$`).(Offered)
		a.expect("^progress 180$")
		b.quiet(time.Minute) // the call goes on while it rings there
		c.Answer(offered.Call)
		c.expect("^answered peer=101$")
		if e := a.expect("^answered peer=103$"); e.(Answered).Call != moved.New || moved.Call != "x" {
			t.Errorf("%+v after %+v", e, moved)
		}
		b.expect(`^referred 200 `)
		b.expect(`^ended 200 by=us cause="transferred"$`)
		a.expect("^ended 200 by=far")
		a.Hangup(moved.New)
		a.expect("^ended 200 by=us")
		c.expect("^ended 200 by=far")
	})
}

// Nobody answers there: the call goes on.
func TestTransferFails(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b, in := pair(o)
		c := o.phone("103", "10.0.0.3")
		for range 2 {
			b.Transfer(in, "103")
			a.expect("^transferred")
			offered := c.expect("^offered").(Offered)
			a.expect("^progress")
			c.Reject(offered.Call, 486)
			c.expect("^ended 486")
			a.expect("^ended 486")
			b.expect("^referred 486")
		}
		b.Transfer(in, "199")
		a.expect("^transferred new=refer-3 to=199")
		a.expect("^ended 404")
		b.expect("^referred 404")
		b.Transfer(in, "sip:103@elsewhere")
		b.expect("^referred 404")
		b.Transfer(in, "101") // itself
		b.expect("^referred 486")
		a.quiet(5 * time.Minute)
		b.Hangup(in)
		b.expect("^ended 200")
		a.expect("^ended 200")
	})
}

// 102 speaks with 101 and 103, and joins them.
func TestTransferAttended(t *testing.T) {
	inBubble(t, func(o *office) {
		a, b, first := pair(o)
		c := o.phone("103", "10.0.0.3")
		b.Hold(first, true)
		b.expect("^held=true by=us")
		second := connect(b, c, "y", "103")
		b.TransferTo(first, "nothing")
		b.expect("^referred 481")
		b.TransferTo(first, "y")

		moved := a.expect("^transferred new=refer-1 to=103$").(Transferred)
		// 103 does not ring: it goes on speaking, with 101 now.
		took := c.expect("^transferred new=in-2 to=101$").(Transferred)
		if took.Call != second {
			t.Errorf("%+v replaces %s", took, second)
		}
		c.expect("^answered peer=101$")
		c.expect(`^ended 200 by=us cause="transferred"$`)
		a.expect("^answered peer=103$")
		got := map[string]bool{}
		for range 3 { // BYE of 103 and NOTIFY of 101 cross
			got[fmt.Sprintf("%.12s", fmt.Sprint(b.expect("^(referred|ended) 200")))] = true
		}
		a.expect("^ended 200 by=far")
		synctest.Wait()
		if len(got) != 2 || !strings.HasSuffix(a.dialogs(), "to sip:103@office confirmed") || !strings.HasSuffix(c.dialogs(), "sip:101@office confirmed") {
			t.Errorf("%v; %s; %s", got, a.dialogs(), c.dialogs())
		}
		for _, p := range []*phone{a, b, c} {
			p.quiet(time.Minute)
		}
		c.Hangup(took.New)
		c.expect("^ended 200")
		if e := a.expect("^ended 200 by=far").(Ended); e.Call != moved.New {
			t.Error(e)
		}
	})
}

// The other call of an attended transfer ends too if its far side forgets to.
func TestTransferAttendedForgotten(t *testing.T) {
	inBubble(t, func(o *office) {
		a, p, in := talking(o)
		l, server := o.stranger("103", "10.0.0.3")
		a.Dial("y", "103")
		far := siptest.Accept(o.t, l, server)
		far.Expect("^INVITE ")
		far.Vars["Tag"] = "f+r"
		far.Reply("200 OK", "Contact: <sip:103@10.0.0.3:5061;transport=tls>\n"+sdpBody)
		ack := far.Expect("^ACK ")
		a.expect("^answered")
		_, local, _ := strings.Cut(ack.Get("From"), ";tag=")
		a.TransferTo(in.Call, "y")
		r := p.Expect("^REFER ")
		if want := "<sip:103@office?Replaces=" + ack.Get("Call-Id") + "%3Bto-tag%3Df%2Br%3Bfrom-tag%3D" + local + ">"; r.Get("Refer-To") != want {
			t.Errorf("Refer-To %s, want %s", r.Get("Refer-To"), want)
		}
		p.Reply("202 Accepted", contact102)
		request(p, "BYE", 2, "") // so it has succeeded
		p.Expect("^SIP/2.0 200 ")
		a.expect("^referred 200")
		if e := a.expect(`^ended 200 by=us cause="transferred"`).(Ended); e.Call != "y" {
			t.Error(e)
		}
		a.expect("^ended 200 by=far")
		far.Expect("^BYE ")
		far.Reply("200 OK", "")
	})
}

const referText = "Refer-To: <%s>\nReferred-By: <sip:102@office>\n"

// The exchange of RFC 3515, as a script sees it.
func TestReferred(t *testing.T) {
	inBubble(t, func(o *office) {
		a, p, in := talking(o)
		c := o.phone("103", "10.0.0.3")
		refer := func(seq int, to string) {
			branches++
			p.Vars["B"], p.Vars["M"], p.Vars["N"] = fmt.Sprint("b", branches), "REFER", fmt.Sprint(seq)
			p.Send(within + fmt.Sprintf(referText, to))
		}
		notified := func(status, state, event string) {
			t.Helper()
			n := p.Expect("^NOTIFY sip:102@10.9.9.9:5061;transport=tls ")
			if n.Get("Event") != event || !strings.HasPrefix(n.Get("Subscription-State"), state) || n.Get("Contact") == "" ||
				n.Get("Content-Type") != "message/sipfrag;version=2.0" || n.Body != "SIP/2.0 "+status+"\r\n" {
				t.Errorf("NOTIFY %v", n)
			}
			p.Reply("200 OK", "")
		}
		for i, c := range []struct{ to, want string }{
			{"sip:103@elsewhere", "404"}, {"tel:103", "603"}, {"sip:103@office;method=BYE", "603"}, {"sip:%40@office", "404"},
			{"sip:103@office?Replaces=x", "400"}, {"sip:103@office?Replaces=%0d%0aX:%20y%3Bto-tag=a%3Bfrom-tag=b", "400"},
			{"sip:103@office>, <sip:104@office", "400"}, {"sip:alice@192.0.2.9", "404"}, {"sip:101@office", "486"},
		} {
			refer(2+i, c.to)
			if r := p.Expect("^SIP/2.0 "); !strings.HasPrefix(r.Start, "SIP/2.0 "+c.want) {
				t.Errorf("%s: %s, want %s", c.to, r.Start, c.want)
			}
		}
		refer(20, "sip:103@office?Subject=x")
		if r := p.Expect("^SIP/2.0 202 "); r.Get("Contact") == "" {
			t.Error("202 without Contact")
		}
		notified("100 Trying", "active", "refer")
		moved := a.expect("^transferred new=refer-[0-9]+ to=103").(Transferred)
		offered := c.expect("^offered from=101").(Offered)
		a.expect("^progress 180")
		refer(21, "sip:104@office")
		p.Expect("^SIP/2.0 480 ") // one at a time
		a.Hangup(moved.New)       // the owner does not want it
		a.expect("^ended 487")
		c.expect("^ended 487")
		notified("487 Request Terminated", "terminated", "refer")

		// Again; the caller is gone before it is answered there, and still hears of it.
		refer(22, "sip:103@10.0.0.3:5061;transport=tls")
		p.Expect("^SIP/2.0 202 ")
		notified("100 Trying", "active", "refer;id=22")
		a.expect("^transferred")
		offered = c.expect("^offered").(Offered)
		a.expect("^progress")
		request(p, "BYE", 23, "")
		p.Expect("^SIP/2.0 200 ")
		if e := a.expect("^ended 200 by=far").(Ended); e.Call != in.Call {
			t.Error(e)
		}
		c.Answer(offered.Call)
		c.expect("^answered")
		a.expect("^answered")
		notified("200 OK", "terminated", "refer;id=22")
	})
}

// A device of a client that is to be replaced is called by its own address.
func TestReferredToDevice(t *testing.T) {
	inBubble(t, func(o *office) {
		a, p, _ := talking(o)
		branches++
		p.Vars["B"], p.Vars["M"], p.Vars["N"] = fmt.Sprint("b", branches), "REFER", "2"
		p.Send(within + fmt.Sprintf(referText, "sip:x7@192.0.2.9:5060?Replaces=id%40h%3Bto-tag%3Dt1%3Bfrom-tag%3Df1"))
		p.Expect("^SIP/2.0 202 ")
		p.Expect("^NOTIFY ")
		p.Reply("200 OK", "")
		a.expect("^transferred new=refer-2 to=x7")
		inv := a.next("INVITE")
		if r := inv.Request; r.Recipient.String() != "sip:x7@192.0.2.9:5060" || r.GetHeader("Replaces").Value() != "id@h;to-tag=t1;from-tag=f1" ||
			r.GetHeader("Referred-By").Value() != "<sip:102@office>" || !a.media(1).client {
			t.Errorf("INVITE %v", r)
		}
		a.reply(inv, 481, "one", "")
		a.expect("^ended 481")
	})
}

// Who passes on hears of it by NOTIFY; what is no word on it changes nothing.
func TestNotified(t *testing.T) {
	inBubble(t, func(o *office) {
		a, p, in := talking(o)
		seq := 1
		notify := func(want, event, state, body string) {
			t.Helper()
			seq++
			branches++
			p.Vars["B"], p.Vars["M"], p.Vars["N"] = fmt.Sprint("b", branches), "NOTIFY", fmt.Sprint(seq)
			p.Send(within + "Event: " + event + "\nSubscription-State: " + state + "\nContent-Type: message/sipfrag\n\n" + body + "\n")
			p.Expect("^SIP/2.0 " + want)
		}
		notify("481", "refer", "active", "SIP/2.0 200 OK") // nothing is being passed on
		a.Transfer(in.Call, "SIP:103@office")
		a.expect("^referred 404")
		a.Transfer(in.Call, "103")
		r := p.Expect("^REFER sip:102@10.9.9.9:5061;transport=tls ")
		if r.Get("Refer-To") != "<sip:103@office>" || r.Get("Referred-By") != "<sip:101@office>" || r.Get("Contact") == "" {
			t.Errorf("REFER %v", r)
		}
		p.Reply("202 Accepted", contact102)
		a.Transfer(in.Call, "104")
		a.expect("^referred 491")
		notify("489", "presence", "active", "SIP/2.0 200 OK")
		notify("200", "refer", "active", "SIP/2.0 100 Trying")
		notify("200", "refer", "active", "garbage")
		notify("200", "refer", "active", "SIP/2.0 999999999999 x")
		a.quiet(time.Second)
		notify("200", "refer", "terminated;reason=noresource", "SIP/2.0 200 OK")
		a.expect("^referred 200")
		a.expect("^ended 200 by=us")
		p.Expect("^BYE ")
		p.Reply("200 OK", "")
	})
}
