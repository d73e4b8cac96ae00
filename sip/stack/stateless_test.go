package stack

import (
	"strings"
	"testing"
	"time"

	"chordophone/sip/siptest"

	"github.com/emiago/sipgo/sip"
)

// What is wrong is refused without a transaction; an ACK never gets an answer.
func TestMalformed(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		s := o.phone("101@office", nearIP, &user{
			request: func(*ServerTx) { t.Error("passed up") },
			ack:     func(*Flow, *sip.Request) { t.Error("ACK passed up") },
		})
		c := siptest.Client(t, o.net, farIP, "tcp", udpAddr(nearIP))
		c.Vars["N"], c.Vars["To"] = "1", "<sip:101@office>"
		c.Send(strings.Replace(invite, "CSeq: 1 INVITE", "CSeq: 1 BYE", 1))
		c.Expect("^SIP/2.0 400 ")
		tag := c.Last.Get("To")
		c.Send(strings.Replace(invite, "CSeq: 1 INVITE", "CSeq: 1 BYE", 1))
		c.Expect("^SIP/2.0 400 ")
		if c.Last.Get("To") != tag { // section 8.2.7: the same tag for the same request
			t.Errorf("%s; want %s", c.Last.Get("To"), tag)
		}
		c.Vars["To"] = tag
		c.Send(acknowledge)
		c.Send(strings.Replace(acknowledge, "CSeq: 1 ACK", "CSeq: 1 BYE", 1))
		c.Quiet(time.Second)
		c.Send(strings.Replace(register, "SIP/2.0", "SIP/3.0", 1))
		c.Expect("^SIP/2.0 505 ")
		c.Write("SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")
		c.Quiet(time.Second)
		if n := s.Counters(); n.Refused != 3 || n.ServerTransactions != 0 || n.Malformed == 0 {
			t.Errorf("%+v", n)
		}
	})
}

// Refuse keeps nothing over UDP: the same again is answered again, with the same tag,
// and the ACK is nobody's business. Over TCP it is a response like any other.
func TestRefuse(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		bubble(t, func(t *testing.T, o *office) {
			asked, acks := 0, 0
			s := o.phone("101@office", nearIP, &user{
				request: func(tx *ServerTx) { asked++; tx.Refuse(407, "Proxy-Authenticate", "x"); tx.Refuse(400); tx.Reply(200) },
				ack:     func(*Flow, *sip.Request) { acks++ },
			})
			c := siptest.Client(t, o.net, farIP, transport, udpAddr(nearIP))
			c.Vars["N"] = "1"
			tags := map[string]bool{}
			for range 2 {
				c.Send(invite)
				m := c.Expect("^SIP/2.0 407 ")
				if m.Get("Proxy-Authenticate") != "x" {
					t.Error(m)
				}
				tags[m.Get("To")] = true
				if transport == "tcp" {
					break
				}
			}
			kept := s.Counters().ServerTransactions
			c.Send(acknowledge)
			wait(time.Second)
			c.Quiet(time.Minute)
			if want := map[string]int{"udp": 0, "tcp": 1}[transport]; kept != want || acks != 0 || len(tags) != 1 {
				t.Errorf("%s: %d transactions kept, %d ACKs, tags %v", transport, kept, acks, tags)
			}
			if want := map[string]int{"udp": 2, "tcp": 1}[transport]; asked != want {
				t.Errorf("%s: asked %d times", transport, asked)
			}
			if n := s.Counters().ServerTransactions; n != 0 {
				t.Errorf("%s: %d transactions left", transport, n)
			}
		})
	}
}
