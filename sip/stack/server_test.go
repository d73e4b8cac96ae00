package stack

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/siptest"

	"github.com/emiago/sipgo/sip"
)

// A request is answered over each transport, with where it came from in the Via.
func TestAnswered(t *testing.T) {
	for _, transport := range []string{"udp", "tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *office) {
				ended := 0
				s := o.phone("101@office", nearIP, &user{request: func(tx *ServerTx) {
					tx.Ended = func() { ended++ }
					if tx.Flow.Remote().Addr() != farIP || tx.Flow.Peer() != "" || tx.Flow.Local().Addr() != nearIP || !tx.Flow.Inbound() {
						t.Errorf("flow: %+v", tx.Flow)
					}
					tx.Reply(200, "Supported", "outbound")
				}})
				at := udpAddr(nearIP)
				if transport == "tls" {
					at = tlsAddr(nearIP)
				}
				c := siptest.Client(t, o.net, farIP, transport, at)
				c.Vars["N"] = "1"
				c.Send(register)
				res := c.Expect("^SIP/2.0 200 OK$")
				port := netip.MustParseAddrPort(c.Vars["Local"]).Port()
				for _, want := range []string{fmt.Sprintf("rport=%d", port), "received=10.0.0.2", "branch=z9hG4bKr1"} {
					if !strings.Contains(res.Get("Via"), want) {
						t.Errorf("Via: %s; want %s", res.Get("Via"), want)
					}
				}
				if !strings.Contains(res.Get("To"), ";tag=") || res.Get("Supported") != "outbound" {
					t.Errorf("%+v", res)
				}
				c.Send(register) // the same again
				if transport == "udp" {
					again := c.Expect("^SIP/2.0 200 OK$")
					if again.Get("To") != res.Get("To") {
						t.Error("another response to the same request")
					}
					c.Send(register)
					wait(31 * time.Second)
					if n := get(s, func() int { return ended }); n != 0 || s.Counters().ServerTransactions != 1 {
						t.Errorf("%d ended, %+v", n, s.Counters())
					}
					wait(2 * time.Second) // Timer J
				}
				synctest.Wait()
				if n := get(s, func() int { return ended }); n == 0 || s.Counters().ServerTransactions != 0 {
					t.Errorf("%d ended, %+v", n, s.Counters())
				}
			})
		})
	}
}

// "The response MUST be sent to [...] the port indicated in the sent-by" unless
// there is rport, and always to the host that the request came from.
func TestWhereResponsesGo(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		o.phone("101@office", nearIP, &user{})
		from, _ := o.net.Packets(netip.AddrPortFrom(farIP, 1000))
		sentBy, _ := o.net.Packets(netip.AddrPortFrom(farIP, 2000))
		standard, _ := o.net.Packets(netip.AddrPortFrom(farIP, 5060))
		victim, _ := o.net.Packets(netip.MustParseAddrPort("10.0.0.9:2000"))
		for i, c := range []struct {
			via string
			to  net.PacketConn
		}{
			{"10.0.0.2:2000", sentBy}, {"10.0.0.2", standard}, {"10.0.0.2:2000;rport", from}, {"10.0.0.2:2000;RPORT=77", from},
			{"10.0.0.9:2000", sentBy}, {"10.0.0.2:2000;maddr=10.0.0.9", sentBy}, {"10.0.0.2:2000;received=10.0.0.9;rport", from},
			{"client.invalid:2000", sentBy},
		} {
			text := fmt.Sprintf("OPTIONS sip:101@office SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d\nMax-Forwards: 70\nFrom: <sip:a@office>;tag=a\nTo: <sip:101@office>\nCall-ID: %d\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n", c.via, i, i)
			from.WriteTo([]byte(strings.ReplaceAll(text, "\n", "\r\n")), net.UDPAddrFromAddrPort(udpAddr(nearIP)))
			c.to.SetReadDeadline(time.Now().Add(time.Second))
			buf := make([]byte, 2000)
			n, _, err := c.to.ReadFrom(buf)
			if err != nil || !strings.HasPrefix(string(buf[:n]), "SIP/2.0 200") {
				t.Errorf("%s: %q, %v", c.via, buf[:n], err)
			}
			if strings.HasPrefix(c.via, "10.0.0.9") && !strings.Contains(string(buf[:n]), "received=10.0.0.2") {
				t.Errorf("%s: %q", c.via, buf[:n])
			}
		}
		for _, p := range []net.PacketConn{from, sentBy, standard, victim} {
			p.SetReadDeadline(time.Now().Add(time.Second))
			if n, _, err := p.ReadFrom(make([]byte, 2000)); err == nil {
				t.Errorf("%v got %d octets more", p.LocalAddr(), n)
			}
			p.Close()
		}
	})
}

// The server side of a call that is refused, and of one that is answered.
func TestInvited(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		var tx *ServerTx
		var acks []string
		ended := 0
		s := o.phone("101@office", nearIP, &user{
			request: func(x *ServerTx) { tx = x; x.Ended = func() { ended++ } },
			ack:     func(_ *Flow, r *sip.Request) { acks = append(acks, r.CallID().Value()) },
		})
		c := siptest.Client(t, o.net, farIP, "udp", udpAddr(nearIP))
		c.Vars["N"] = "1"
		start := time.Now()
		c.Send(invite)
		c.Expect("^SIP/2.0 100 Trying$") // we were slow
		if d := time.Since(start); d != 200*time.Millisecond || strings.Contains(c.Last.Get("To"), "tag=") {
			t.Errorf("%v, %+v", d, c.Last)
		}
		in(s, func() { tx.Reply(180) })
		c.Expect("^SIP/2.0 180 Ringing$")
		c.Send(invite)
		c.Expect("^SIP/2.0 180 Ringing$")
		in(s, func() { tx.Reply(486); tx.Reply(200); tx.Reply(500) })
		for _, d := range []time.Duration{0, 500 * time.Millisecond, time.Second} { // Timer G
			start := time.Now()
			c.Expect("^SIP/2.0 486 Busy Here$")
			if time.Since(start) != d {
				t.Errorf("after %v; want %v", time.Since(start), d)
			}
		}
		c.Send(acknowledge)
		c.Send(acknowledge)
		c.Quiet(4 * time.Second)
		wait(2 * time.Second) // Timer I
		in(s, func() {
			if len(acks) != 0 || ended != 1 || tx.Final() != 486 {
				t.Errorf("acks %v, %d ended, %d", acks, ended, tx.Final())
			}
		})

		c.Vars["N"] = "2"
		c.Send(invite)
		synctest.Wait()
		in(s, func() { tx.Reply(200, "Contact", "<sip:101@10.0.0.1>") })
		ok := c.Expect("^SIP/2.0 200 OK$")
		c.Send(invite)
		c.Quiet(time.Second) // RFC 6026: absorbed; the user repeats the 2xx
		in(s, func() { tx.Reply(200, "Contact", "<sip:101@10.0.0.1>"); tx.Reply(486) })
		if again := c.Expect("^SIP/2.0 200 OK$"); again.Get("To") != ok.Get("To") {
			t.Error("another 200")
		}
		c.Send(strings.ReplaceAll(acknowledge, "z9hG4bKi", "z9hG4bKack"))
		synctest.Wait()
		if got := get(s, func() string { return fmt.Sprint(acks) }); got != "[i2]" {
			t.Errorf("acks %s", got)
		}
		wait(33 * time.Second)
		if ended != 2 || s.Counters().ServerTransactions != 0 {
			t.Errorf("%d ended, %+v", ended, s.Counters())
		}
	})
}

// A client of RFC 2543 has branches that name nothing.
func TestOldClient(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		n := 0
		s := o.phone("101@office", nearIP, &user{request: func(tx *ServerTx) { n++; tx.Reply(486) }, ack: func(*Flow, *sip.Request) { t.Error("ACK passed up") }})
		c := siptest.Client(t, o.net, farIP, "udp", udpAddr(nearIP))
		old := strings.NewReplacer(";branch=z9hG4bKi${N};rport", ";rport")
		for i := range 2 {
			c.Vars["N"] = fmt.Sprint(i)
			c.Send(old.Replace(invite))
			c.Expect("486")
			c.Send(old.Replace(invite))
			c.Expect("486")
			c.Send(old.Replace(acknowledge))
		}
		c.Quiet(time.Second)
		if got := get(s, func() int { return n }); got != 2 {
			t.Errorf("%d transactions", got)
		}
	})
}

// A response that would carry somebody else's header field does not go out.
func TestInjection(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		o.phone("101@office", nearIP, &user{request: func(tx *ServerTx) { tx.Reply(200, "Subject", "x\r\nEvil: 1") }})
		c := siptest.Client(t, o.net, farIP, "udp", udpAddr(nearIP))
		c.Vars["N"] = "1"
		c.Send(register)
		if m := c.Expect("^SIP/2.0 500 "); m.Get("Evil") != "" {
			t.Errorf("%+v", m)
		}
	})
}

// A request of another host is another request, whatever its Via says.
func TestSameBranch(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		var hosts []string
		s := o.phone("101@office", nearIP, &user{request: func(tx *ServerTx) {
			hosts = append(hosts, tx.Flow.Remote().Addr().String())
			tx.Reply(200)
		}})
		for _, ip := range []string{"10.0.0.2", "10.0.0.3", "10.0.0.2"} {
			o.net.Forge(netip.AddrPortFrom(netip.MustParseAddr(ip), 5060), udpAddr(nearIP), registerText(1))
			synctest.Wait()
		}
		if got := get(s, func() string { return fmt.Sprint(hosts) }); got != "[10.0.0.2 10.0.0.3]" {
			t.Error(got)
		}
	})
}

func TestReplyPort(t *testing.T) {
	via := func(port int, params ...string) *sip.ViaHeader {
		v := &sip.ViaHeader{Host: "10.0.0.2", Port: port}
		for i := 0; i+1 < len(params); i += 2 {
			v.Params = append(v.Params, sip.HeaderKV{K: params[i], V: params[i+1]})
		}
		return v
	}
	for _, c := range []struct {
		via  *sip.ViaHeader
		want uint16
	}{
		{nil, 9}, {via(0), 5060}, {via(7), 7}, {via(70000), 5060}, {via(7, "rport", "8"), 8}, {via(7, "RPort", "8"), 8},
		{via(7, "rport", ""), 9}, {via(7, "rport", "0"), 9}, {via(7, "rport", "x"), 9},
	} {
		if got := replyPort(c.via, 9); got != c.want {
			t.Errorf("%+v: %d; want %d", c.via, got, c.want)
		}
	}
}
