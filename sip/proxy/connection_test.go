package proxy

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/stack"
)

// A client on a TCP connection of its own: the flow's token stands in its side's
// Record-Route, and requests of the far side find the way back.
func TestConnection(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p, q := o.phone("101"), o.phone("102")
		a, b := p.connected("201"), q.client("202")
		a.invite("202", "")
		a.Expect("^SIP/2.0 100 ")
		inv := b.Expect("^INVITE ")
		rr := inv.Header["Record-Route"]
		if len(rr) != 4 || !strings.HasPrefix(rr[3], "<sip:") || !strings.HasSuffix(rr[3], "@10.0.0.1:5060;transport=tcp;lr>") {
			t.Fatalf("Record-Route %q", rr)
		}
		b.answer("200 OK", "")
		caller, callee := a.dialogOf(a.Expect("^SIP/2.0 200 ")), b.dialogOf(inv)
		a.Send(caller("ACK", "1", ""))
		b.Expect("^ACK ")
		b.Send(callee("UPDATE", "5", ""))
		a.Expect("^UPDATE sip:201@10.0.1.1;transport=tcp ")
		a.answer("200 OK", "")
		b.Expect("^SIP/2.0 200 ")
		a.hangUp(caller, "2", b)
		synctest.Wait()
		p.idle()
		q.idle()
	})
}

// A caller whose connection breaks while it rings leaves no ringing behind.
func TestCallerGone(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phone("101")
		a, b := p.connected("201"), p.client("202")
		a.invite("202", "")
		a.Expect("^SIP/2.0 100 ")
		inv := b.Expect("^INVITE ")
		b.answer("180 Ringing", "")
		a.Expect("^SIP/2.0 180 ")
		a.Close()
		b.Expect("^CANCEL ")
		b.answer("200 OK", "")
		b.answerTo(inv, "487 Request Terminated", "")
		b.Expect("^ACK ")
		synctest.Wait()
		p.idle()
	})
}

// The telephone of this phone calls and is called over the loopback.
func TestTelephone(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phone("101")
		a := p.client("201")
		p.bindTelephone(p)
		var got []string
		p.ua = func(tx *stack.ServerTx) {
			req := tx.Request
			got = append(got, string(req.Method)+" "+req.Recipient.String())
			if req.Method == sip.INVITE {
				tx.Reply(180)
			}
			tx.Reply(200, "Contact", "<sip:101@10.0.0.1:5061;transport=tls>")
		}
		a.invite("101", "")
		a.Expect("^SIP/2.0 100 ")
		a.Expect("^SIP/2.0 180 ")
		ok := a.Expect("^SIP/2.0 200 ")
		same(t, "Record-Route", ok.Header["Record-Route"], "<sip:10.0.0.1:5060;lr>")
		a.Send(a.dialogOf(ok)("ACK", "1", ""))
		a.Send(a.dialogOf(ok)("BYE", "2", ""))
		a.Expect("^SIP/2.0 200 ")
		synctest.Wait()
		same(t, "telephone", got, "INVITE sip:101@10.0.0.1:5061;transport=tls", "BYE sip:101@10.0.0.1:5061;transport=tls")
		if p.acks != 1 {
			t.Errorf("%d ACKs", p.acks)
		}
		p.idle()
		same(t, "only the client is reported", p.heard("101@office"))

		var ok2 *sip.Response
		p.in(func() {
			p.stack.Request(p.toProxy, telephoneRequest("INVITE", "sip:201@office"), func(res *sip.Response) { ok2 = res }, func(error) {})
		})
		inv := a.Expect("^INVITE sip:201@10.0.1.1:5060 ")
		same(t, "Record-Route", inv.Header["Record-Route"], "<sip:10.0.0.1:5060;lr>")
		a.answer("200 OK", "")
		synctest.Wait()
		if ok2 == nil || ok2.StatusCode != 200 {
			t.Fatalf("%v", ok2)
		}
		a.Send(a.dialogOf(inv)("BYE", "3", ""))
		a.Expect("^SIP/2.0 200 ")
		p.idle()
	})
}

// A way that was given up connects when all is over: nothing is sent, nothing breaks.
func TestConnectsTooLate(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p, q := o.phone("101"), o.phone("102")
		a, b := p.client("201"), q.client("202")
		o.net.Silence(addr("10.0.0.2:5061"), true)
		a.invite("202", "")
		a.Expect("^SIP/2.0 100 ")
		b.Expect("^INVITE ")
		b.answer("486 Busy Here", "")
		b.Expect("^ACK ")
		a.Expect("^SIP/2.0 486 ")
		synctest.Wait()
		p.idle()
		time.Sleep(10 * time.Second)
		p.idle()
	})
}

// A client on a connection talks to the telephone: the only Record-Route names the
// client's own flow, which does not send its requests back to it.
func TestConnectionToTelephone(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.phone("101")
		a := p.connected("201")
		p.bindTelephone(p)
		p.ua = func(tx *stack.ServerTx) { tx.Reply(200, "Contact", "<sip:101@10.0.0.1:5061;transport=tls>") }
		a.invite("101", "")
		a.Expect("^SIP/2.0 100 ")
		caller := a.dialogOf(a.Expect("^SIP/2.0 200 "))
		a.Send(caller("ACK", "1", ""))
		a.Send(caller("BYE", "2", ""))
		a.Expect("^SIP/2.0 200 ")
		synctest.Wait()
		p.idle()
	})
}
