package ua

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/stack"
	"chordophone/sip/wire"
)

// These tests have the telephone speak with clients, which its own proxy or
// another telephone brings.

// next takes the request that the telephone sent its proxy.
func (p *phone) next(method sip.RequestMethod) *stack.ServerTx {
	p.t.Helper()
	select {
	case tx := <-p.proxy.got:
		if tx.Request.Method != method {
			p.t.Fatalf("the proxy got %s; want %s", tx.Request.Method, method)
		}
		return tx
	case <-time.After(40 * time.Second):
		p.t.Fatalf("the proxy got nothing; want %s", method)
	}
	return nil
}

func (p *phone) nextAck() *sip.Request {
	p.t.Helper()
	select {
	case req := <-p.proxy.acks:
		return req
	case <-time.After(5 * time.Second):
		p.t.Fatal("the proxy got no ACK")
	}
	return nil
}

// in runs f in the telephone's loop and waits.
func (p *phone) in(f func()) {
	p.t.Helper()
	done := make(chan struct{})
	if !p.stack.Do(func() { f(); close(done) }) {
		p.t.Fatal("the stack has ended")
	}
	<-done
}

// reply has the proxy pass on a client's response.
func (p *phone) reply(tx *stack.ServerTx, status int, tag, body string, fields ...string) {
	p.in(func() {
		res := wire.Response(tx.Request, status, tag, fields...)
		if body != "" {
			setBody(res, accept, []byte(body))
		}
		tx.Respond(res)
	})
}

const (
	routed      = "<sip:10.0.0.1:5060;lr>"
	routed2     = "<sip:token@10.0.0.3:5061;transport=tls;lr>" // nearer to alice
	aliceAt     = "<sip:alice@192.0.2.9:5060>"
	aliceElsewh = "<sip:alice@192.0.2.10:5060>"
)

func routes(req *sip.Request) string { return strings.Join(wire.Values(req, "Route"), " ") }

// callsAlice has 101 call a client; both of its devices ring.
func callsAlice(o *office) (*phone, *stack.ServerTx) {
	o.t.Helper()
	a := o.phone("101", "10.0.0.1")
	o.bind("sip:alice@office", "client sip:alice@192.0.2.9:5060", "client sip:alice@192.0.2.10:5060")
	a.Dial("x", "alice")
	inv := a.next(sip.INVITE)
	req := inv.Request
	if got := req.Recipient.String(); got != "sip:alice@office" {
		o.t.Error("Request-URI ", got)
	}
	if got := req.Contact().Value(); got != "<sip:101@10.0.0.1:5061;transport=tls>" {
		o.t.Error("Contact ", got)
	}
	if got := strings.Join(wire.Values(req, "Supported"), " "); got != "replaces timer" {
		o.t.Error("Supported ", got)
	}
	if m := a.media(0); !m.client || m.local != netip.MustParseAddr("10.0.0.1") {
		o.t.Errorf("media for client=%t at %v", m.client, m.local)
	}
	a.reply(inv, 180, "one", "")
	a.reply(inv, 180, "two", "")
	a.expect("^progress 180$")
	return a, inv
}

func TestClientCalled(t *testing.T) {
	inBubble(t, func(o *office) {
		a, inv := callsAlice(o)
		if got := a.dialogs(); got != "to sip:alice@office early" {
			t.Error("dialogs: ", got)
		}
		a.reply(inv, 200, "two", "v=0 far", "Record-Route", routed2, "Record-Route", routed, "Contact", aliceElsewh)
		a.expect("^answered peer=alice$")
		ack := a.nextAck()
		if ack.Recipient.String() != "sip:alice@192.0.2.10:5060" || routes(ack) != routed+" "+routed2 || wire.Tag(ack.To().Params) != "two" {
			t.Errorf("ACK %v", ack)
		}
		// The other device was answered at the same moment: RFC 3261, section
		// 13.2.2.4, "the UAC core MUST generate an ACK request for each 2xx".
		a.reply(inv, 200, "one", "v=0 far", "Record-Route", routed, "Contact", aliceAt)
		if ack := a.nextAck(); wire.Tag(ack.To().Params) != "one" || ack.Recipient.Host != "192.0.2.9" {
			t.Errorf("ACK %v", ack)
		}
		bye := a.next(sip.BYE)
		if wire.Tag(bye.Request.To().Params) != "one" || bye.Request.Recipient.Host != "192.0.2.9" {
			t.Errorf("BYE %v", bye.Request)
		}
		a.reply(bye, 200, "", "")
		a.quiet(time.Minute)
		if got := a.dialogs(); got != "to sip:alice@office confirmed" {
			t.Error("dialogs: ", got)
		}
		a.Hangup("x")
		a.expect("^ended 200 by=us")
		bye = a.next(sip.BYE)
		if wire.Tag(bye.Request.To().Params) != "two" || routes(bye.Request) != routed+" "+routed2 {
			t.Errorf("BYE %v", bye.Request)
		}
		a.reply(bye, 200, "", "")
		synctest.Wait()
		if got := a.dialogs(); got != "to sip:alice@office terminated" {
			t.Error("dialogs: ", got)
		}
	})
}

func TestClientCancelled(t *testing.T) {
	inBubble(t, func(o *office) {
		a, inv := callsAlice(o)
		gone := make(chan bool, 1)
		a.in(func() { inv.Cancelled = func(*sip.Request) { gone <- true } })
		a.Hangup("x")
		a.expect("^ended 487 by=us")
		<-gone
		a.reply(inv, 487, "one", "")
		a.quiet(time.Minute)
	})
}

// A call that the proxy never comes back to does not cost the telephone its
// loopback.
func TestClientProxySilent(t *testing.T) {
	inBubble(t, func(o *office) {
		a := o.phone("101", "10.0.0.1")
		o.bind("sip:alice@office", "client sip:alice@192.0.2.9:5060")
		a.Dial("x", "alice")
		a.next(sip.INVITE) // 100 is the transaction's
		a.quiet(ringTime - time.Second)
		time.Sleep(2 * time.Second)
		a.expect("^ended 408 by=us")
		a.Dial("y", "alice")
		inv := a.next(sip.INVITE)
		a.reply(inv, 486, "one", "")
		a.expect("^ended 486 by=far")
	})
}

// What is said over the loopback names the address of the telephone, whatever the
// stack listens on; a strict router gets what it wants (RFC 3261, section
// 12.2.1.1).
func TestClientAddresses(t *testing.T) {
	inBubble(t, func(o *office) {
		a := o.phone("101", "10.0.0.1", func(c *Config) { c.Local = netip.MustParseAddr("10.0.0.77") })
		o.bind("sip:alice@office", "client sip:alice@192.0.2.9:5060")
		a.Dial("x", "alice")
		inv := a.next(sip.INVITE)
		if got := inv.Request.Contact().Value(); got != "<sip:101@10.0.0.77:5061;transport=tls>" || a.media(0).local.String() != "10.0.0.77" {
			t.Error("at ", got, a.media(0).local)
		}
		a.reply(inv, 200, "one", "v=0 far", "Record-Route", routed2, "Record-Route", "<sip:10.0.0.1:5060>", "Contact", aliceAt)
		if ack := a.nextAck(); ack.Recipient.String() != "sip:10.0.0.1:5060" || routes(ack) != routed2+" "+aliceAt {
			t.Errorf("ACK %v", ack)
		}
		a.expect("^answered")

		// Our own number, which only we have, does not call us.
		msg, v := wire.Parse([]byte(strings.ReplaceAll(strings.NewReplacer("\t", "", "${From}", "101", "${B}", "x", "${ID}", "own").Replace(aliceCalls), "\n", "\r\n")))
		if !v.OK() {
			t.Fatal(v)
		}
		own, status := msg.(*sip.Request), make(chan int, 1)
		own.RemoveHeader("Via")
		a.in(func() {
			a.stack.Request(a.proxy.flow, own, func(res *sip.Response) { status <- res.StatusCode }, func(error) { status <- 0 })
		})
		if got := <-status; got != 403 {
			t.Error("we call ourselves: ", got)
		}
	})
}

// A proxy that wants sessions of another length is obeyed once: RFC 4028,
// section 7.4.
func TestClientIntervalTooSmall(t *testing.T) {
	inBubble(t, func(o *office) {
		a := o.phone("101", "10.0.0.1")
		o.bind("sip:alice@office", "client sip:alice@192.0.2.9:5060")
		a.Dial("x", "alice")
		inv := a.next(sip.INVITE)
		a.reply(inv, 422, "one", "", "Min-SE", "3600")
		again := a.next(sip.INVITE)
		if got := fmt.Sprint(wire.Values(again.Request, "Session-Expires"), wire.Values(again.Request, "Min-SE")); got != "[3600;refresher=uac] [3600]" ||
			*again.Request.CallID() != *inv.Request.CallID() || again.Request.CSeq().SeqNo != inv.Request.CSeq().SeqNo+1 {
			t.Errorf("%s in %v", got, again.Request)
		}
		a.reply(again, 422, "one", "", "Min-SE", "7200")
		a.expect("^ended 422")
	})
}
