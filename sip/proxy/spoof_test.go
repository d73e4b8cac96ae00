package proxy

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/siptest"
	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// Threat T5: somebody who has read all of a dialog's ids sends 10,000 requests in it
// from elsewhere, in either direction, with either name, over UDP and TCP, at the
// phone that knows the dialog and at one that does not. None passes. The rightful
// ones do.
func TestSpoofing(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p, q := o.phone("101"), o.phone("102")
		a, b := p.client("201"), p.client("202")
		p.allowed = registered(a, b)
		q.allowed = registered(a, b)
		caller, callee := a.talk(b)
		methods := []string{"BYE", "INVITE", "REFER", "INFO", "UPDATE", "NOTIFY", "ACK", "CANCEL", "MESSAGE", "PRACK"}
		const each = 250
		answers := map[string]int{}
		for _, at := range []*phone{p, q} {
			for _, transport := range []string{"udp", "tcp"} {
				m := siptest.Client(t, o.net, addr("10.0.6.6:1").Addr(), transport, addr(at.ip.String()+":5060"))
				m.Vars["Sent-By"], m.Vars["Contact"] = m.Vars["Transport"]+" "+m.Vars["Local"], "sip:evil@10.0.6.6"
				for i := range each {
					for _, method := range methods {
						as := caller
						if i%2 == 1 {
							as = callee
						}
						cseq := fmt.Sprint(100 + i)
						if method == "CANCEL" {
							cseq = "1"
						}
						m.Send(as(method, cseq, ""))
						if method == "ACK" {
							continue
						}
						answers[m.Expect("^SIP/2.0 4").Start]++
					}
				}
				m.Drain() // what is refused and not acknowledged comes again
			}
		}
		if n := answers["SIP/2.0 403 Forbidden"]; n != 2*2*each*(len(methods)-2) || answers["SIP/2.0 481 Call/Transaction Does Not Exist"] != 2*2*each {
			t.Errorf("answers %v", answers)
		}
		b.Quiet(time.Second)
		a.Quiet(time.Second)
		a.Send(caller("INFO", "2", ""))
		b.Expect("^INFO ")
		b.answer("200 OK", "")
		a.Expect("^SIP/2.0 200 ")
		b.hangUp(callee, "2", a)
		synctest.Wait()
		p.idle()
		q.idle()
	})
}

// registered vouches for requests that come from where the user they are from has
// its binding.
func registered(clients ...*client) func(*stack.Flow, *sip.Request) bool {
	return func(f *stack.Flow, req *sip.Request) bool {
		for _, c := range clients {
			if req.From().Address.User == c.user && f.Remote() == c.at {
				return true
			}
		}
		return false
	}
}

// Somebody of the office who has a password of his own, and speaks as himself, is no
// party of the dialog either; nor is another telephone, or a phone that speaks for
// another telephone.
func TestInsider(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p, q := o.phone("101"), o.phone("102")
		a, b, c := p.client("201"), p.client("202"), p.client("203")
		p.allowed = registered(a, b, c)
		caller, _ := a.talk(b)
		c.Send(strings.Replace(caller("BYE", "2", ""), "sip:201@office>;tag", "sip:203@office>;tag", 1))
		c.Expect("^SIP/2.0 403 ")
		send := func(from string) (status int) {
			done := make(chan int, 1)
			q.in(func() {
				q.stack.Connect(stack.Target{Transport: stack.TLS, Addr: addr("10.0.0.1:5061"), Peer: "101@office"}, func(f *stack.Flow, _ bool, err error) {
					req := telephoneRequest("BYE", "sip:202@10.0.1.2:5060")
					uri, _ := wire.ParseURI("sip:" + from)
					req.From().Address = uri
					req.From().Params.Add("tag", "t201")
					req.To().Params.Add("tag", "t202")
					*req.CallID() = sip.CallIDHeader(a.Vars["Call"])
					q.stack.Request(f, req, func(res *sip.Response) { done <- res.StatusCode }, func(error) { done <- 0 })
				})
			})
			return <-done
		}
		if s := send("102@office"); s != 403 {
			t.Errorf("as itself: %d", s)
		}
		if s := send("101@office"); s != 403 {
			t.Errorf("as another telephone: %d", s)
		}
		id := a.Vars["Call"]
		a.Vars["Call"] = "unknown-call"
		if s := send("101@office"); s != 403 {
			t.Errorf("as another telephone, in an unknown dialog: %d", s)
		}
		a.Vars["Call"] = id
		b.Quiet(time.Second)
		go func() { // a phone may forward for the client that is the party
			b.Expect("^BYE ")
			b.answer("200 OK", "")
		}()
		if s := send("201@office"); s != 200 {
			t.Errorf("for the client: %d", s)
		}
	})
}
