package stack

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/siptest"

	"github.com/emiago/sipgo/sip"
)

// far plays a far side on UDP port 5060 of farIP.
func (o *office) far() *siptest.Peer {
	o.t.Helper()
	c, err := o.net.Packets(udpAddr(farIP))
	if err != nil {
		o.t.Fatal(err)
	}
	return siptest.NewPacketPeer(o.t, c, udpAddr(nearIP))
}

func TestAsked(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		s := o.phone("101@office", nearIP, &user{})
		far := o.far()
		f := mustConnect(t, s, Target{Transport: UDP, Addr: udpAddr(farIP)})
		tx, got := ask(s, f, newRequest(sip.OPTIONS, "sip:102@office", "1"))
		m := far.Expect("^OPTIONS sip:102@office SIP/2.0$")
		if via := m.Get("Via"); !strings.HasPrefix(via, "SIP/2.0/UDP 10.0.0.1:5060;") || !strings.Contains(via, ";rport") || !strings.Contains(via, "branch=z9hG4bK") {
			t.Errorf("Via: %s", via)
		}
		far.Expect("^OPTIONS ")
		// Neither of another host, nor of a branch or method that was not asked.
		forger, _ := o.net.Packets(netip.MustParseAddrPort("10.0.0.3:5060"))
		p := siptest.NewPacketPeer(t, forger, udpAddr(nearIP))
		p.Last = m
		p.Reply("200 OK", "")
		p.Last = siptest.Message{}
		far.Send(strings.Replace("SIP/2.0 200 OK\nVia: ${Via}\nFrom: ${From}\nTo: ${To};tag=x\nCall-ID: ${Call-ID}\nCSeq: 1 BYE\n", "x", "y", 1))
		synctest.Wait()
		if got.String() != "" || s.Counters().Stray != 2 {
			t.Fatalf("%s, %+v", got, s.Counters())
		}
		// Any port of the host that was asked.
		other := siptest.Client(t, o.net, farIP, "udp", udpAddr(nearIP))
		other.Last = m
		other.Reply("180 Ringing", "")
		far.Reply("200 OK", "")
		far.Reply("200 OK", "")
		far.Quiet(6 * time.Second)
		if got.String() != "180 200" || s.Counters().ClientTransactions != 0 || tx.Flow != f {
			t.Errorf("%s, %+v", got, s.Counters())
		}
	})
}

// "Neither is called before Request has returned."
func TestTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		s := o.phone("101@office", nearIP, &user{})
		far := o.far()
		f := mustConnect(t, s, Target{Transport: UDP, Addr: udpAddr(farIP)})
		start := time.Now()
		_, got := ask(s, f, newRequest(sip.OPTIONS, "sip:102@office", "1"))
		for range 11 {
			far.Expect("^OPTIONS ")
		}
		far.Quiet(time.Minute)
		if got.String() != "no response in time" || time.Since(start) < 64*500*time.Millisecond {
			t.Errorf("%s after %v", got, time.Since(start))
		}
		returned := false
		in(s, func() {
			req := newRequest(sip.OPTIONS, "sip:102@office", "2")
			req.AppendHeader(sip.NewHeader("Subject", "a\r\nEvil: 1"))
			s.Request(f, req, nil, func(err error) {
				if !returned || err == nil {
					t.Error("failed before it returned: ", err)
				}
				returned = false
			})
			returned = true
		})
		synctest.Wait()
		if get(s, func() bool { return returned }) {
			t.Error("an injection was not refused")
		}
	})
}

// The client side of a call: refused, answered, answered twice.
func TestInviting(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		s := o.phone("101@office", nearIP, &user{})
		far := o.far()
		f := mustConnect(t, s, Target{Transport: UDP, Addr: udpAddr(farIP)})
		req := newRequest(sip.INVITE, "sip:102@10.0.0.2", "1")
		req.AppendHeader(sip.NewHeader("Route", "<sip:10.0.0.2;lr>"))
		req.AppendHeader(sip.NewHeader("Route", "<sip:10.0.0.7;lr>"))
		_, got := ask(s, f, req)
		m := far.Expect("^INVITE ")
		far.Reply("486 Busy Here", "")
		ack := far.Expect("^ACK sip:102@10.0.0.2 SIP/2.0$")
		if ack.Get("Via") != m.Get("Via") || len(ack.Header["Via"]) != 1 || ack.Get("To") != m.Get("To")+";tag=far" || ack.Get("From") != m.Get("From") ||
			ack.Get("Call-ID") != "1" || ack.Get("CSeq") != "1 ACK" || fmt.Sprint(ack.Header["Route"]) != "[<sip:10.0.0.2;lr> <sip:10.0.0.7;lr>]" {
			t.Errorf("%+v", ack)
		}
		far.Last = m
		far.Reply("486 Busy Here", "")
		if again := far.Expect("^ACK "); again.Get("To") != ack.Get("To") {
			t.Errorf("%+v", again)
		}
		far.Quiet(33 * time.Second)
		if got.String() != "486" || s.Counters().ClientTransactions != 0 {
			t.Errorf("%s, %+v", got, s.Counters())
		}

		_, got = ask(s, f, newRequest(sip.INVITE, "sip:102@10.0.0.2", "2"))
		m = far.Expect("^INVITE ")
		far.Reply("180 Ringing", "")
		far.Reply("200 OK", "Contact: <sip:102@10.0.0.2>\n")
		far.Reply("200 OK", "Contact: <sip:102@10.0.0.2>\n")
		far.Vars["Tag"] = "other" // forked
		far.Reply("200 OK", "Contact: <sip:102@10.0.0.2>\n")
		far.Reply("486 Busy Here", "")
		far.Quiet(time.Second)
		if got.String() != "180 200 200 200" {
			t.Errorf("%s", got)
		}
		wait(33 * time.Second)
		if s.Counters().ClientTransactions != 0 {
			t.Errorf("%+v", s.Counters())
		}
	})
}

// "If no provisional response has been received, the CANCEL request MUST NOT be
// sent; rather, the client MUST wait for the arrival of a provisional response."
func TestCancelling(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		s := o.phone("101@office", nearIP, &user{})
		far := o.far()
		f := mustConnect(t, s, Target{Transport: UDP, Addr: udpAddr(farIP)})
		tx, got := ask(s, f, newRequest(sip.INVITE, "sip:102@10.0.0.2", "1"))
		m := far.Expect("^INVITE ")
		in(s, func() { tx.Cancel("Reason", "SIP;cause=200"); tx.Cancel() })
		far.Expect("^INVITE ")
		far.Reply("180 Ringing", "")
		c := far.Expect("^CANCEL sip:102@10.0.0.2 SIP/2.0$")
		if c.Get("Via") != m.Get("Via") || c.Get("To") != m.Get("To") || c.Get("CSeq") != "1 CANCEL" || c.Get("Reason") != "SIP;cause=200" {
			t.Errorf("%+v", c)
		}
		far.Reply("200 OK", "")
		far.Last = m
		far.Reply("487 Request Terminated", "")
		far.Expect("^ACK ")
		far.Quiet(time.Second)
		if got.String() != "180 487" {
			t.Errorf("%s", got)
		}

		tx, got = ask(s, f, newRequest(sip.INVITE, "sip:102@10.0.0.2", "2"))
		m = far.Expect("^INVITE ")
		far.Reply("180 Ringing", "")
		synctest.Wait()
		start := time.Now()
		in(s, func() { tx.Cancel() })
		far.Expect("^CANCEL ")
		far.Reply("200 OK", "")
		far.Quiet(31 * time.Second)
		if got.String() != "180" {
			t.Errorf("%s after %v", got, time.Since(start))
		}
		wait(2 * time.Second) // 64*T1
		if got.String() != "180 no response in time" {
			t.Errorf("%s", got)
		}

		tx, got = ask(s, f, newRequest(sip.INVITE, "sip:102@10.0.0.2", "3"))
		far.Expect("^INVITE ")
		in(s, func() { tx.Cancel() })
		far.Reply("200 OK", "Contact: <sip:102@10.0.0.2>\n") // too late
		far.Quiet(time.Second)
		if got.String() != "200" {
			t.Errorf("%s", got)
		}
	})
}

// RFC 3261, section 18.1.1: a request "larger than 1300 bytes [...] MUST be sent
// using [...] TCP"; and over UDP after all if the other side has none.
func TestLarge(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		large := func(id string) *sip.Request {
			req := newRequest(sip.MESSAGE, "sip:102@10.0.0.2", id)
			req.AppendHeader(sip.NewHeader("Subject", strings.Repeat("x", 1300)))
			return req
		}
		s := o.phone("101@office", nearIP, &user{})
		far := o.far()
		udp := mustConnect(t, s, Target{Transport: UDP, Addr: udpAddr(farIP)})

		o.net.Silence(udpAddr(farIP), true)
		start := time.Now()
		_, got := ask(s, udp, large("1"))
		far.Expect("^MESSAGE ")
		if d := time.Since(start); d != largeTime {
			t.Errorf("over UDP after %v", d)
		}
		far.Reply("200 OK", "")
		synctest.Wait()
		_, got2 := ask(s, udp, large("2")) // not tried again for a while
		far.Expect("^MESSAGE ")
		if time.Since(start) != largeTime {
			t.Error("waited again")
		}
		far.Reply("200 OK", "")
		synctest.Wait()
		if got.String() != "200" || got2.String() != "200" {
			t.Errorf("%s, %s", got, got2)
		}
		wait(noTCPTime)
		o.net.Silence(udpAddr(farIP), false)
		_, got = ask(s, udp, large("3")) // refused at once
		far.Expect("^MESSAGE ")
		far.Reply("200 OK", "")
		synctest.Wait()
		if got.String() != "200" {
			t.Errorf("%s", got)
		}
		wait(noTCPTime)

		l, err := o.net.Listen(udpAddr(farIP))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		tx, got := ask(s, udp, large("4"))
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		tcp := siptest.NewPeer(t, conn)
		m := tcp.Expect("^MESSAGE ")
		if via := m.Get("Via"); !strings.HasPrefix(via, "SIP/2.0/TCP 10.0.0.1:5060;branch=z9hG4bK") {
			t.Errorf("Via: %s", via)
		}
		tcp.Reply("200 OK", "")
		far.Quiet(5 * time.Second)
		if got.String() != "200" || get(s, func() bool { return tx.Flow == udp || tx.Flow.Transport() != TCP }) {
			t.Errorf("%s over %v", got, tx.Flow.Transport())
		}
		// A small one does not.
		ask(s, udp, newRequest(sip.MESSAGE, "sip:102@10.0.0.2", "5"))
		far.Expect("^MESSAGE ")
		tcp.Quiet(time.Second)
	})
}

// A connection that breaks ends its transactions, once.
func TestBroken(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		var lost []*Flow
		ended := 0
		near := o.phone("101@office", nearIP, &user{lost: func(f *Flow) { lost = append(lost, f) }})
		far := o.phone("102@office", farIP, &user{request: func(tx *ServerTx) { tx.Ended = func() { ended++ } }})
		f := mustConnect(t, near, Target{Transport: TLS, Addr: tlsAddr(farIP), Peer: "102@office"})
		_, a := ask(near, f, newRequest(sip.OPTIONS, "sip:102@office", "1"))
		_, b := ask(near, f, newRequest(sip.INVITE, "sip:102@office", "2"))
		synctest.Wait()
		o.net.Cut()
		synctest.Wait()
		if !strings.HasPrefix(a.String(), "connection is gone") || !strings.HasPrefix(b.String(), "connection is gone") {
			t.Errorf("%s, %s", a, b)
		}
		in(near, func() {
			if len(lost) != 1 || lost[0] != f || f.Alive() {
				t.Errorf("%d lost", len(lost))
			}
		})
		if n := get(far, func() int { return ended }); n != 2 {
			t.Errorf("%d ended", n)
		}
		_, a = ask(near, f, newRequest(sip.OPTIONS, "sip:102@office", "3"))
		synctest.Wait()
		if !strings.HasPrefix(a.String(), "connection is gone") || near.Counters().ClientTransactions != 0 {
			t.Errorf("%s, %+v", a, near.Counters())
		}
		if err := get(near, func() error { return f.Send(newRequest(sip.ACK, "sip:102@office", "4")) }); !errors.Is(err, ErrFlow) {
			t.Error(err)
		}
	})
}

func TestTooManyAsked(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		s := o.phone("101@office", nearIP, &user{}, func(c *Config) { c.Limits.Transactions = 8 })
		f := mustConnect(t, s, Target{Transport: UDP, Addr: udpAddr(farIP)})
		var got *outcome
		for i := range 11 {
			_, got = ask(s, f, newRequest(sip.OPTIONS, "sip:102@office", fmt.Sprint(i)))
		}
		synctest.Wait()
		if got.String() != "too many transactions" || s.Counters().ClientTransactions != 10 {
			t.Errorf("%s, %+v", got, s.Counters())
		}
	})
}
