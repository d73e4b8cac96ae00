package proxy

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"chordophone/sip/stack"
)

// A client registered at another phone is reached by that phone; both phones are in
// the route of the call, each with one Record-Route for either side of it (RFC
// 5658), and the caller's identity is asserted between them only (RFC 3325).
func TestTwoPhones(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p, q := o.phone("101"), o.phone("102")
		a, b := p.client("201"), q.client("202")
		a.invite("202", "P-Preferred-Identity: <sip:boss@office>\nPrivacy: id\n")
		a.Expect("^SIP/2.0 100 ")
		inv := b.Expect(`^INVITE sip:202@10\.0\.1\.2:5060 `)
		same(t, "Record-Route", inv.Header["Record-Route"],
			"<sip:10.0.0.2:5060;lr>", "<sip:10.0.0.2:5061;transport=tls;lr>", "<sip:10.0.0.1:5061;transport=tls;lr>", "<sip:10.0.0.1:5060;lr>")
		if inv.Get("P-Asserted-Identity") != "" || inv.Get("P-Preferred-Identity") != "" || inv.Get("Max-Forwards") != "68" {
			t.Errorf("%+v", inv)
		}
		b.answer("180 Ringing", "")
		a.Expect("^SIP/2.0 180 ")
		b.answerTo(inv, "200 OK", "")
		caller, callee := a.dialogOf(a.Expect("^SIP/2.0 200 ")), b.dialogOf(inv)
		a.Send(caller("ACK", "1", ""))
		b.Expect("^ACK ")
		b.Send(callee("INFO", "1", ""))
		a.Expect("^INFO ")
		a.answer("200 OK", "")
		b.Expect("^SIP/2.0 200 ")
		a.hangUp(caller, "2", b)
		synctest.Wait()
		p.idle()
		q.idle()
		same(t, "callee at its phone", q.heard("202@office"), "recipient trying", "recipient early", "recipient confirmed", "recipient terminated")
		same(t, "nobody else there", q.heard("201@office"))
		same(t, "caller at its phone", p.heard("201@office"), "initiator trying", "initiator proceeding", "initiator early", "initiator confirmed", "initiator terminated")
	})
}

// Identity: what one phone says to another.
func TestAsserted(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p, q := o.phone("101"), o.phone("102")
		got := make(chan string, 1)
		q.ua = func(tx *stack.ServerTx) {
			v, _ := field(tx.Request, "P-Asserted-Identity")
			got <- v
			tx.Reply(486)
		}
		a := p.client("201")
		p.bindTelephone(q)
		a.invite("102", "P-Asserted-Identity: <sip:boss@office>\n")
		a.Expect("^SIP/2.0 100 ")
		a.Expect("^SIP/2.0 486 ")
		if v := <-got; v != "<sip:201@office>" {
			t.Errorf("P-Asserted-Identity: %s", v)
		}
	})
}

// The phone that serves a client dies in several ways: before a call, without a
// word; refusing; and while the client rings.
func TestServingPhoneDies(t *testing.T) {
	for _, tt := range []struct {
		name string
		kill func(o *office, q *phone)
		late time.Duration // when the client rings
	}{
		{"refuses", func(o *office, q *phone) { q.stop() }, 0},
		{"silent", func(o *office, q *phone) { o.net.Silence(addr("10.0.0.2:5061"), true) }, hedgeInvite},
		{"connected and silent", func(o *office, q *phone) { o.net.Freeze() }, hedgeInvite},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *office) {
				p, q := o.phone("101"), o.phone("102")
				a, b := p.client("201"), q.client("202")
				if strings.HasPrefix(tt.name, "connected") {
					caller, _ := a.talk(b)
					a.hangUp(caller, "2", b)
				}
				tt.kill(o, q)
				start := time.Now()
				a.invite("202", "")
				a.Expect("^SIP/2.0 100 ")
				inv := b.Expect(`^INVITE sip:202@10\.0\.1\.2:5060 `)
				if d := time.Since(start); d < tt.late || d > tt.late+100*time.Millisecond {
					t.Errorf("rang after %v", d)
				}
				same(t, "Record-Route", inv.Header["Record-Route"], "<sip:10.0.0.1:5060;lr>")
				b.answer("180 Ringing", "")
				a.Expect("^SIP/2.0 180 ")
				b.answerTo(inv, "200 OK", "")
				caller := a.dialogOf(a.Expect("^SIP/2.0 200 "))
				a.Send(caller("ACK", "1", ""))
				b.Expect("^ACK ")
				a.hangUp(caller, "2", b)
				time.Sleep(2 * time.Minute)
				p.idle()
			})
		})
	}
}

// The serving phone dies while its client rings, and then during a call: the client
// knows the request already and says so; the dialog goes on by the survivor.
func TestDiesWhileRinging(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p, q := o.phone("101"), o.phone("102")
		a, b := p.client("201"), q.client("202")
		a.invite("202", "")
		a.Expect("^SIP/2.0 100 ")
		b.Expect("^INVITE ")
		b.answer("180 Ringing", "")
		a.Expect("^SIP/2.0 180 ")
		q.stop()
		b.Expect("^CANCEL|^INVITE ") // asked again, straight from the caller's phone
		for strings.HasPrefix(b.Last.Start, "CANCEL") {
			b.answer("200 OK", "")
			b.Expect("^INVITE ")
		}
		b.answer("200 OK", "") // it takes the call anew
		caller := a.dialogOf(a.Expect("^SIP/2.0 200 "))
		a.Send(caller("ACK", "1", ""))
		b.Expect("^ACK ")
	})
}

// Both clients are in a call by two phones, and the callee's phone dies: BYE,
// re-INVITE and ACK pass it over. What the dialog needs stands in its messages.
func TestDiesInCall(t *testing.T) {
	for _, silent := range []bool{false, true} {
		name := map[bool]string{false: "refuses", true: "silent"}[silent]
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *office) {
				p, q := o.phone("101"), o.phone("102")
				a, b := p.client("201"), q.client("202")
				caller, callee := a.talk(b)
				if silent {
					o.net.Silence(addr("10.0.0.2:5061"), true)
					o.net.Freeze()
				} else {
					q.stop()
				}
				p.allowed = func(f *stack.Flow, _ *sip.Request) bool { return f.Remote().Addr() == b.at.Addr() } // as b has registered anew
				a.Send(caller("INVITE", "2", ""))
				a.Expect("^SIP/2.0 100 ")
				inv := b.Expect(`^INVITE sip:202@10\.0\.1\.2:5060 `)
				if inv.Get("Route") != "" {
					t.Errorf("Route %q", inv.Header["Route"])
				}
				b.answer("200 OK", "")
				a.Expect("^SIP/2.0 200 ")
				if !silent { // an ACK has no answer: only a connection known to be dead is passed over
					a.Send(caller("ACK", "2", ""))
					b.Expect("^ACK ")
				}
				b.aim(p)
				b.Send(callee("BYE", "5", ""))
				a.Patience = 10 * time.Second
				a.Expect(`^BYE sip:201@10\.0\.1\.1:5060 `)
				a.answer("200 OK", "")
				b.Expect("^SIP/2.0 200 ")
			})
		})
	}
}

// A survivor that never saw the dialog: what it asks is whether the sender is whom
// it says to be.
func TestSurvivor(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p, q, r := o.phone("101"), o.phone("102"), o.phone("103")
		a, b := p.client("201"), q.client("202")
		caller, callee := a.talk(b)
		p.stop()
		q.stop()
		asked := 0
		r.allowed = func(f *stack.Flow, req *sip.Request) bool {
			asked++
			return f.Remote() == a.at && req.From().Address.User == "201" || f.Remote() == b.at && req.From().Address.User == "202"
		}
		a.aim(r)
		a.Send(caller("INVITE", "2", ""))
		a.Expect("^SIP/2.0 100 ")
		b.Expect(`^INVITE sip:202@10\.0\.1\.2:5060 `)
		b.answer("200 OK", "")
		a.Expect("^SIP/2.0 200 ")
		a.Send(caller("ACK", "2", ""))
		b.Expect("^ACK ")
		b.aim(r)
		b.hangUp(callee, "3", a)
		stranger := r.client("204")
		stranger.Send(callee("BYE", "4", ""))
		stranger.Expect("^SIP/2.0 403 ")
		a.Quiet(time.Second)
		if asked != 4 {
			t.Errorf("asked %d times", asked)
		}
	})
}
