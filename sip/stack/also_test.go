package stack

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"chordophone/sip/siptest"

	"github.com/emiago/sipgo/sip"
)

var shared = netip.MustParseAddr("127.0.31.40")

// asks sends a request from a socket that hears only the address asked, and returns
// the status line of the answer.
func asks(c net.Conn, n int) string {
	fmt.Fprintf(c, "%s", registerText(n))
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(line)
}

func dial(t *testing.T, network string, ip netip.Addr, port uint16) net.Conn {
	t.Helper()
	c, err := net.Dial(network, netip.AddrPortFrom(ip, port).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// The address that the office shares is served while it is held, with or without an
// address of the phone's own to listen on.
func TestHold(t *testing.T) {
	for name, listen := range map[string]netip.Addr{"one address": real1, "every address": {}} {
		t.Run(name, func(t *testing.T) {
			ca := siptest.NewOffice(t)
			var flow *Flow
			lost := make(chan *Flow, 1)
			s := realPhone(t, ca, "101@office", listen, &user{
				request: func(tx *ServerTx) { flow = tx.Flow; tx.Reply(200) },
				lost:    func(f *Flow) { lost <- f },
			}, func(c *Config) { c.Also = shared })
			port := s.Addr(UDP).Port()
			if !s.Listens(UDP, netip.AddrPortFrom(shared, port)) || !s.Listens(TLS, netip.AddrPortFrom(shared, s.Addr(TLS).Port())) {
				t.Error("a Route to the shared address means any phone, and so this one")
			}
			if s.Listens(UDP, netip.AddrPortFrom(shared, port+1)) || s.Listens(UDP, netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), port)) {
				t.Error("foreign addresses are ours")
			}
			s.Hold(true)
			s.Hold(true)
			in(s, func() {}) // it has been heard

			udp := dial(t, "udp", shared, port)
			if got := asks(udp, 1); got != "SIP/2.0 200 OK" {
				t.Fatal(got)
			}
			f := get(s, func() *Flow { return flow })
			own, token := "", ""
			in(s, func() { own, token = f.Own().String(), f.Token() })
			if want := netip.AddrPortFrom(shared, port).String(); own != want {
				t.Errorf("reached by %s; want %s", own, want)
			}
			tcp := dial(t, "tcp", shared, port)
			if got := asks(tcp, 2); got != "SIP/2.0 200 OK" {
				t.Fatal(got)
			}
			overTCP := get(s, func() *Flow { return flow })
			dial(t, "tcp", shared, s.Addr(TLS).Port())

			// A flow that was forgotten comes back by its token, at the same address.
			in(s, func() {
				s.udp = newFlowTable()
				g := s.FlowOf(token)
				if g == f || g.Own().String() != own {
					t.Errorf("the token leads to %v", g.Own())
				}
				g.Send(optionsTo(g))
			})
			udp.SetReadDeadline(time.Now().Add(5 * time.Second))
			if line, err := bufio.NewReader(udp).ReadString('\n'); !strings.HasPrefix(line, "OPTIONS") {
				t.Error(line, err)
			}

			// What the phone begins itself leaves from its own address all the same.
			other, err := net.ListenPacket("udp", "127.0.31.3:0")
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			g := mustConnect(t, s, Target{Transport: UDP, Addr: addrPort(other.LocalAddr())})
			in(s, func() {
				if g.Own().Addr() == shared {
					t.Error("calls itself by the shared address")
				}
			})

			s.Hold(false)
			if got := <-lost; got != overTCP {
				t.Error("another connection was lost")
			}
			tcp.SetReadDeadline(time.Now().Add(5 * time.Second))
			if rest, err := io.ReadAll(tcp); err != nil {
				t.Errorf("the connection goes on: %q, %v", rest, err)
			}
			in(s, func() {
				g := s.FlowOf(token)
				if g.Own().Addr() == shared {
					t.Error("still leaves from an address that is another phone's")
				}
				if listen.IsValid() && g.Own() != s.Addr(UDP) {
					t.Errorf("leaves from %v; want %v", g.Own(), s.Addr(UDP))
				}
				if err := g.Send(optionsTo(g)); err != nil {
					t.Error(err)
				}
				s.udp = newFlowTable()
				if g = s.FlowOf(token); g.Own().Addr() == shared {
					t.Error("a token brings the lost address back")
				}
			})
			if listen.IsValid() {
				if c, err := net.Dial("tcp", netip.AddrPortFrom(shared, port).String()); err == nil {
					c.Close()
					t.Error("the shared address is still listened on")
				}
			}
			s.Hold(true)
			in(s, func() {})
			if got := asks(dial(t, "udp", shared, port), 3); got != "SIP/2.0 200 OK" {
				t.Error("held again:", got)
			}
		})
	}
}

// A phone without clear transports serves only TLS there.
func TestHoldOnlyTLS(t *testing.T) {
	ca := siptest.NewOffice(t)
	s := realPhone(t, ca, "101@office", real1, &user{}, func(c *Config) { c.Also, c.NoClear = shared, true })
	s.Hold(true)
	in(s, func() {})
	near := realPhone(t, ca, "102@office", real2, &user{})
	mustConnect(t, near, Target{Transport: TLS, Addr: netip.AddrPortFrom(shared, s.Addr(TLS).Port()), Peer: "101@office"})
	in(s, func() {
		if s.guest.socket != nil || s.guest.tcp != nil {
			t.Error("clear transports are listened on")
		}
	})
}

// Where somebody else has the port, the phone goes on without.
func TestHoldTaken(t *testing.T) {
	ca := siptest.NewOffice(t)
	s := realPhone(t, ca, "101@office", real1, &user{}, func(c *Config) { c.Also = shared })
	for _, network := range []Transport{UDP, TCP, TLS} {
		at := netip.AddrPortFrom(shared, s.Addr(network).Port()).String()
		var other io.Closer
		var err error
		if network == UDP {
			other, err = net.ListenPacket("udp", at)
		} else {
			other, err = net.Listen("tcp", at)
		}
		if err != nil {
			t.Fatal(err)
		}
		s.Hold(true)
		in(s, func() {
			if s.guest != (guest{}) {
				t.Errorf("%v is taken, the guest is %v", network, s.guest)
			}
		})
		if got := asks(dial(t, "udp", real1, s.Addr(UDP).Port()), int(network)); got != "SIP/2.0 200 OK" {
			t.Error(got)
		}
		s.Hold(false)
		other.Close()
	}
	// What was bound before the failure is free again.
	s.Hold(true)
	in(s, func() {
		if s.guest.tls == nil {
			t.Error("not bound after all")
		}
	})
}

func TestAlsoConfig(t *testing.T) {
	ca := siptest.NewOffice(t)
	server, client := ca.StackTLS("101@office")
	for _, also := range []netip.Addr{real1, netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		cfg := Config{Listen: real1, Also: also, Handler: &user{}, ServerTLS: server, ClientTLS: client, PeerUser: ca.PeerUser}
		if s, err := New(cfg); err == nil {
			s.closeSockets()
			t.Errorf("%v: taken", also)
		}
	}
	// Without one, Hold means nothing.
	s := realPhone(t, ca, "101@office", real1, &user{})
	s.Hold(true)
	in(s, func() {
		if s.held {
			t.Error("holds no address")
		}
	})
}

func optionsTo(f *Flow) *sip.Request {
	req := newRequest(sip.OPTIONS, "sip:a@office", "9")
	req.PrependHeader(f.Via(magic + "9"))
	return req
}
