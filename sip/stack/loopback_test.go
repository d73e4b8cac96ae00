package stack

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/emiago/sipgo/sip"
)

// The program talks to itself as to anybody, in order and one thing at a time.
func TestLoopback(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		var b *Flow
		inside := 0
		var seen []string
		u := &user{}
		s := o.phone("101@office", nearIP, u)
		var a *Flow
		in(s, func() { a, b = s.Loopback("101@office") })
		u.request = func(tx *ServerTx) {
			inside++
			if inside != 1 || tx.Flow != b || tx.Flow.Peer() != "101@office" {
				t.Errorf("%d inside, %+v", inside, tx.Flow)
			}
			seen = append(seen, tx.Request.CallID().Value())
			tx.Request.RemoveHeader("Subject") // of the copy
			if tx.Request.Method == sip.INVITE {
				tx.Cancelled = func(*sip.Request) { tx.Reply(487) }
				tx.Reply(180)
			} else {
				tx.Reply(200)
			}
			inside--
		}
		u.ack = func(*Flow, *sip.Request) { t.Error("ACK passed up") }
		req := newRequest(sip.MESSAGE, "sip:102@office", "1")
		req.AppendHeader(sip.NewHeader("Subject", "kept"))
		_, got := ask(s, a, req)
		_, got2 := ask(s, a, newRequest(sip.MESSAGE, "sip:102@office", "2"))
		synctest.Wait()
		if got.String() != "200" || got2.String() != "200" || get(s, func() string { return fmt.Sprint(seen) }) != "[1 2]" || req.GetHeader("Subject") == nil {
			t.Errorf("%s, %s, %v", got, got2, seen)
		}
		tx, got := ask(s, a, newRequest(sip.INVITE, "sip:102@office", "3"))
		synctest.Wait()
		in(s, func() { tx.Cancel() })
		synctest.Wait()
		if got.String() != "180 487" {
			t.Errorf("%s", got)
		}
		if n := s.Counters(); n.ServerTransactions != 0 || n.ClientTransactions != 0 {
			t.Errorf("%+v", n)
		}
	})
}
