package ua

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/siptest"
	"chordophone/sip/stack"
	"chordophone/sip/wire"
)

const aliceCalls = `INVITE sip:101@office SIP/2.0
	Via: SIP/2.0/TLS 10.9.9.9:5061;branch=z9hG4bK${B}
	Max-Forwards: 69
	Record-Route: <sip:10.0.0.3:5061;transport=tls;lr>
	From: "Alice" <sip:${From}@office>;tag=alice
	To: <sip:101@office>
	Call-ID: ${ID}
	CSeq: 1 INVITE
	Contact: <sip:alice@192.0.2.9:5060>
	Content-Type: application/sdp

	v=0 far
	`

var aliceWithin = strings.NewReplacer("<sip:102@office>;tag=bob", "<sip:alice@office>;tag=alice", "<sip:102@10.9.9.9:5061;transport=tls>", "<sip:alice@192.0.2.9:5060>").Replace(within)

// aliceTalks has a client call 101 by way of the telephone 103.
func aliceTalks(o *office) (*phone, *siptest.Peer, Offered) {
	o.t.Helper()
	a := o.phone("101", "10.0.0.1")
	p := o.caller("103", a)
	p.Vars["B"], p.Vars["ID"], p.Vars["From"] = "first", "one", "alice"
	p.Send(aliceCalls)
	p.Expect("100")
	p.Expect("180")
	in := a.expect(`^offered from=alice name="Alice"`).(Offered)
	a.Answer(in.Call)
	res := p.Expect("200")
	if res.Get("Record-Route") == "" || !a.media(0).client {
		o.t.Errorf("200 %v; media for client=%t", res, a.media(0).client)
	}
	_, p.Vars["Local"], _ = strings.Cut(res.Get("To"), ";tag=")
	a.expect("^answered peer=alice")
	clientRequest(p, "ACK", 1, "")
	return a, p, in
}

func clientRequest(p *siptest.Peer, method string, seq int, body string) {
	branches++
	p.Vars["B"], p.Vars["M"], p.Vars["N"] = fmt.Sprint("c", branches), method, fmt.Sprint(seq)
	if body != "" {
		body = "Content-Type: application/sdp\n\n" + body + "\n"
	}
	p.Send(aliceWithin + body)
}

// A telephone may speak for those it serves, but not for another telephone, nor
// for us, nor for another office.
func TestClientCalls(t *testing.T) {
	inBubble(t, func(o *office) {
		a, p, in := aliceTalks(o)
		for i, from := range []string{"102", "101"} {
			p.Vars["From"], p.Vars["B"], p.Vars["ID"] = from, fmt.Sprint("as", i), fmt.Sprint("as", i)
			p.Send(aliceCalls)
			p.Expect("^SIP/2.0 403 ")
		}
		p.Vars["From"], p.Vars["B"] = "alice", "other"
		p.Send(strings.Replace(aliceCalls, "${From}@office", "alice@elsewhere", 1))
		p.Expect("^SIP/2.0 403 ")
		p.Vars["ID"], p.Vars["B"] = "one", "address"
		p.Vars["From"] = "102"
		p.Send(strings.Replace(aliceCalls, "@office>;tag", "@10.0.0.3>;tag", 1))
		p.Expect("^SIP/2.0 403 ")

		// The connection to the telephone that served the caller is gone: our own
		// proxy finds the way.
		p.Close()
		synctest.Wait()
		a.Hangup(in.Call)
		bye := a.next(sip.BYE)
		if req := bye.Request; req.Recipient.String() != "sip:alice@192.0.2.9:5060" || req.Route().Value() != "<sip:10.0.0.3:5061;transport=tls;lr>" {
			t.Errorf("BYE %v", req)
		}
		a.reply(bye, 200, "", "")
		a.expect("^ended 200 by=us")
	})
}

// A client that knows its telephone's address only, and no office, is as good as
// any; its own URIs stand in the dialog.
func TestClientByAddress(t *testing.T) {
	inBubble(t, func(o *office) {
		a := o.phone("101", "10.0.0.1")
		p := o.caller("103", a)
		p.Vars["B"], p.Vars["ID"], p.Vars["From"] = "first", "one", "alice"
		p.Send(strings.NewReplacer("@office>;tag", "@10.0.0.3>;tag", "To: <sip:101@office>", "To: <sip:101@10.0.0.3:5060>").Replace(aliceCalls))
		p.Expect("100")
		p.Expect("180")
		in := a.expect("^offered from=alice").(Offered)
		a.Answer(in.Call)
		p.Expect("200")
		a.expect("^answered")
		if got := a.dialogs(); got != "sip:alice@office confirmed" {
			t.Error("dialogs: ", got)
		}
		p.Vars["Local"] = strings.SplitAfter(p.Last.Get("To"), ";tag=")[1]
		clientRequest(p, "ACK", 1, "")
		synctest.Wait()
		a.Hangup(in.Call)
		a.expect("^ended")
		bye := p.Expect("^BYE sip:alice@192.0.2.9:5060 ")
		if bye.Get("To") != "<sip:alice@10.0.0.3>;tag=alice" || !strings.Contains(bye.Get("From"), "<sip:101@10.0.0.3:5060>") {
			t.Errorf("BYE %v", bye)
		}
		p.Reply("200 OK", "")
	})
}

// The telephone that served a client may have died: any other may bring its
// requests. A stranger may not, whatever he knows, nor may a client's user speak
// within a call between telephones.
func TestClientSurvivor(t *testing.T) {
	inBubble(t, func(o *office) {
		a, p, _ := aliceTalks(o)
		q := o.caller("104", a)
		for k, v := range p.Vars {
			q.Vars[k] = v
		}
		synctest.Wait() // ACK goes another way
		clientRequest(q, "INVITE", 2, "v=0 again")
		q.Expect("200")
		clientRequest(q, "ACK", 2, "")
		synctest.Wait()
		clientRequest(q, "BYE", 3, "")
		q.Expect("200")
		a.expect("^ended 200 by=far")

		other := o.phone("105", "10.0.0.5")
		p = o.caller("102", other)
		p.Vars["B"], p.Vars["ID"] = "first", "two"
		p.Send(strings.ReplaceAll(inviteText, "101", "105"))
		p.Expect("100")
		r := p.Expect("180")
		other.expect("^offered")
		other.Answer("in-1")
		p.Expect("200")
		other.expect("^answered")
		_, p.Vars["Local"], _ = strings.Cut(r.Get("To"), ";tag=")
		request(p, "ACK", 1, "")
		msg, v := wire.Parse(fmt.Appendf(nil, "BYE sip:105@10.0.0.5:5061;transport=tls SIP/2.0\r\nVia: SIP/2.0/TLS 10.0.0.5:5061;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n"+
			"From: <sip:102@office>;tag=bob\r\nTo: <sip:105@office>;tag=%s\r\nCall-ID: two\r\nCSeq: 9 BYE\r\nContent-Length: 0\r\n\r\n", p.Vars["Local"]))
		if !v.OK() {
			t.Fatal(v)
		}
		bye, status := msg.(*sip.Request), make(chan int, 1)
		bye.RemoveHeader("Via")
		other.in(func() {
			other.stack.Request(other.proxy.flow, bye, func(res *sip.Response) { status <- res.StatusCode }, func(error) { status <- 0 })
		})
		if got := <-status; got != 481 {
			t.Errorf("a client ends a call between telephones: %d", got)
		}
		other.quiet(time.Second)
	})
}

// What in a dialog comes from a flow that nobody vouches for is nobody's.
func TestClientStranger(t *testing.T) {
	inBubble(t, func(o *office) {
		a, p, _ := aliceTalks(o)
		a.in(func() {
			s := a.call("in-1")
			nobody := &stack.Flow{}
			if a.admits(s, nobody) {
				t.Error("a stranger's flow is admitted")
			}
			if _, _, ok := a.vouched(nobody, sip.Uri{Scheme: "sip", User: "alice", Host: "office"}); ok {
				t.Error("a stranger speaks for alice")
			}
			if !a.admits(s, s.flow) || !a.admits(s, a.server) {
				t.Error("the rightful flows are not admitted")
			}
		})
		clientRequest(p, "BYE", 2, "")
		p.Expect("200")
		a.expect("^ended")
	})
}

// A connection that is there and yet dead: the request goes again, by our own
// proxy.
func TestClientServerSilent(t *testing.T) {
	inBubble(t, func(o *office) {
		a, _, in := aliceTalks(o)
		synctest.Wait()
		o.net.Freeze()
		start := time.Now()
		a.Hangup(in.Call)
		a.expect("^ended 200 by=us")
		bye := a.next(sip.BYE)
		t.Logf("after %v", time.Since(start))
		a.reply(bye, 200, "", "")
	})
}
