package stack

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/siptest"

	"github.com/emiago/sipgo/sip"
)

// A full table refuses new requests, cheaply; what is long finished gives way, and
// who is in a dialog has some room more.
func TestFull(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		held := []*ServerTx{}
		s := o.phone("101@office", nearIP, &user{
			request: func(tx *ServerTx) { held = append(held, tx) },
			ack:     func(*Flow, *sip.Request) { t.Error("the ACK of a 503 was passed up") },
		}, func(c *Config) { c.Limits.Transactions = 16 })
		c := siptest.Client(t, o.net, farIP, "udp", udpAddr(nearIP))
		for i := range 16 {
			c.Vars["N"] = fmt.Sprint(i)
			c.Send(register)
		}
		synctest.Wait()
		c.Vars["N"] = "new"
		c.Send(invite)
		c.Expect("^SIP/2.0 503 Service Unavailable$")
		if c.Last.Get("Retry-After") == "" {
			t.Errorf("%+v", c.Last)
		}
		c.Send(acknowledge)
		c.Send(strings.Replace(invite, "To: <sip:101@office>", "To: <sip:101@office>;tag=x", 1))
		synctest.Wait()
		if n := s.Counters(); n.ServerTransactions != 17 || n.Busy != 1 || get(s, func() int { return len(held) }) != 17 {
			t.Fatalf("%+v", n)
		}
		in(s, func() {
			for _, tx := range held {
				tx.Reply(200, "Contact", "<sip:101@office>")
			}
		})
		for range 17 {
			c.Expect("^SIP/2.0 200")
		}
		c.Vars["N"] = "early"
		c.Send(register)
		c.Expect("^SIP/2.0 503")
		wait(9 * time.Second)
		c.Vars["N"] = "late"
		c.Send(register)
		synctest.Wait()
		if n := s.Counters(); n.Busy != 2 || n.ServerTransactions > 17 || get(s, func() int { return len(held) }) != 18 {
			t.Fatalf("%+v", n)
		}
		in(s, func() { held[17].Reply(200) })
	})
}

// Who is let in finds room for what is forwarded for him, too, in a table that is full of
// what was finished long ago and of what is asked of others.
func TestRoomForForwarding(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		var s *Stack
		var f *Flow
		var failed error
		asked := 0
		s = o.phone("101@office", nearIP, &user{request: func(tx *ServerTx) {
			if tx.Request.Method != sip.INVITE {
				tx.Reply(200)
				return
			}
			asked++
			s.Request(f, newRequest(sip.OPTIONS, "sip:102@office", "new"), func(*sip.Response) {}, func(err error) { failed = err })
		}}, func(c *Config) { c.Limits.Transactions = 16 })
		o.far()
		f = mustConnect(t, s, Target{Transport: UDP, Addr: udpAddr(farIP)})
		c := siptest.Client(t, o.net, farIP, "udp", udpAddr(nearIP))
		for i := range 16 {
			c.Vars["N"] = fmt.Sprint(i)
			c.Send(register)
			c.Expect("^SIP/2.0 200")
		}
		wait(9 * time.Second)
		for i := range 4 { // so many more than are let in
			ask(s, f, newRequest(sip.OPTIONS, "sip:102@office", fmt.Sprint(i)))
		}
		c.Vars["N"] = "new"
		c.Send(invite)
		synctest.Wait()
		if in := get(s, func() int { return asked }); in != 1 || failed != nil {
			t.Errorf("%d let in, %v", in, failed)
		}
	})
}
