package stack

import (
	"net/netip"
	"strings"
	"testing"

	"chordophone/sip/siptest"

	"github.com/emiago/sipgo/sip"
)

// A CANCEL ends only an INVITE that came the same way (threat T5).
func TestCancelled(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *office) {
				cancelled := 0
				s := o.phone("101@office", nearIP, &user{request: func(tx *ServerTx) {
					tx.Cancelled = func(r *sip.Request) {
						cancelled++
						if r.Method != sip.CANCEL {
							t.Error(r.Method)
						}
						tx.Reply(487)
					}
					tx.Reply(180)
				}})
				c := siptest.Client(t, o.net, farIP, transport, udpAddr(nearIP))
				c.Vars["N"] = "1"
				c.Send(cancelText) // of nothing
				c.Expect("^SIP/2.0 481 ")
				c.Send(invite)
				c.Expect("^SIP/2.0 180 ")
				tag := c.Last.Get("To")
				for _, thief := range []*siptest.Peer{
					siptest.Client(t, o.net, farIP, transport, udpAddr(nearIP)), // the same host
					siptest.Client(t, o.net, netip.MustParseAddr("10.0.0.3"), transport, udpAddr(nearIP)),
				} {
					thief.Vars["N"] = "1"
					text := strings.Replace(cancelText, "${Local}", c.Vars["Local"], 1) // sniffed
					thief.Send(text)
					thief.Expect("^SIP/2.0 481 ")
				}
				if get(s, func() int { return cancelled }) != 0 {
					t.Fatal("a stranger cancelled a call")
				}
				c.Send(cancelText)
				c.Expect("^SIP/2.0 200 OK$")
				if c.Last.Get("CSeq") != "1 CANCEL" || c.Last.Get("To") != tag {
					t.Errorf("%+v", c.Last)
				}
				c.Expect("^SIP/2.0 487 Request Terminated$")
				c.Send(acknowledge)
				c.Send(cancelText) // again
				if transport == "udp" {
					c.Expect("^SIP/2.0 200 OK$")
				} else {
					c.Expect("^SIP/2.0 481 ") // over: nothing comes twice
				}
				if n := get(s, func() int { return cancelled }); n != 1 {
					t.Errorf("cancelled %d times", n)
				}
			})
		})
	}
}

// A user who takes time to end what was cancelled hears of it once.
func TestCancelledOnce(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		n := 0
		s := o.phone("101@office", nearIP, &user{request: func(tx *ServerTx) {
			tx.Cancelled = func(*sip.Request) { n++ }
			tx.Reply(180)
		}})
		c := siptest.Client(t, o.net, farIP, "udp", udpAddr(nearIP))
		c.Vars["N"] = "1"
		c.Send(invite)
		c.Expect("180")
		for range 3 {
			c.Send(cancelText)
			c.Expect("^SIP/2.0 200 ")
		}
		if got := get(s, func() int { return n }); got != 1 {
			t.Errorf("%d times", got)
		}
	})
}
