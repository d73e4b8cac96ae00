package stack

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"chordophone/sip/siptest"

	"github.com/emiago/sipgo/sip"
)

// A message, once begun, must end within messageTime, and a stranger's silence is
// not borne for long.
func TestSlow(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		var f *Flow
		near := o.phone("101@office", nearIP, &user{request: func(tx *ServerTx) { f = tx.Flow; tx.Reply(200) }})
		slow := siptest.Client(t, o.net, farIP, "tcp", udpAddr(nearIP))
		start := time.Now()
		go func() {
			for _, c := range "REGISTER sip:office SIP/2.0\r\nX: 01234567890" {
				slow.Write(string(c))
				time.Sleep(time.Second)
			}
		}()
		slow.Patience = time.Minute
		slow.Closed()
		if d := time.Since(start); d != messageTime {
			t.Errorf("a slow one had %v", d)
		}
		idle := siptest.Client(t, o.net, farIP, "tcp", udpAddr(nearIP))
		idle.Patience = time.Hour
		start = time.Now()
		idle.Closed()
		if d := time.Since(start); d != strangerTime {
			t.Errorf("a stranger had %v", d)
		}
		known := siptest.Client(t, o.net, farIP, "tcp", udpAddr(nearIP))
		known.Vars["N"], known.Patience = "1", 2*time.Hour
		known.Send(register)
		known.Expect("200")
		in(near, func() { f.Know("alice") })
		known.Write("\r\n\r\n") // it waits for octets already
		start = time.Now()
		known.Closed()
		if d := time.Since(start); d != userTime {
			t.Errorf("alice had %v", d)
		}
		phone := o.phone("102@office", farIP, &user{})
		mustConnect(t, phone, Target{Transport: TLS, Addr: tlsAddr(nearIP), Peer: "101@office"})
		wait(idleTime - time.Second)
		if n := near.Counters().Connections; n != 1 {
			t.Errorf("%d connections", n)
		}
		wait(2 * time.Second)
		if n := near.Counters().Connections; n != 0 {
			t.Errorf("%d connections", n)
		}
	})
}

// deafNet has connections whose far side does not read.
type deafNet struct{ *siptest.Network }

type deafConn struct {
	net.Conn
	closed chan struct{}
}

func (n deafNet) Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	c, err := n.Network.Dial(ctx, from, to)
	return &deafConn{c, make(chan struct{})}, err
}

func (c *deafConn) SetWriteDeadline(at time.Time) error {
	time.AfterFunc(time.Until(at), func() { close(c.closed) })
	return nil
}

func (c *deafConn) Write([]byte) (int, error) {
	<-c.closed
	return 0, os.ErrDeadlineExceeded
}

// A far side that does not read loses its connection, and keeps nobody waiting.
func TestDeaf(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		lost := 0
		near := o.phone("101@office", nearIP, &user{lost: func(*Flow) { lost++ }}, func(c *Config) { c.Net = deafNet{o.net} })
		o.phone("102@office", farIP, &user{})
		f := mustConnect(t, near, Target{Transport: TCP, Addr: udpAddr(farIP)})
		in(near, func() {
			start := time.Now()
			var err error
			for range 2 * maxQueued { // the writer may have gathered some
				err = f.Send(newRequest(sip.ACK, "sip:102@office", "1"))
				if err != nil {
					break
				}
			}
			if !errors.Is(err, ErrFlow) || f.Alive() || time.Since(start) != 0 {
				t.Error("not ended: ", err)
			}
		})
		wait(writeTime)
		if n := get(near, func() int { return lost }); n != 1 {
			t.Errorf("lost %d", n)
		}
		f = mustConnect(t, near, Target{Transport: TCP, Addr: udpAddr(farIP)})
		in(near, func() { f.Send(newRequest(sip.ACK, "sip:102@office", "1")) })
		wait(writeTime)
		if lost != 2 {
			t.Errorf("lost %d: one message was enough to know", lost)
		}
	})
}
