package stack

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"chordophone/sip/siptest"

	"github.com/emiago/sipgo/sip"
)

// On the operating system's sockets the addresses are 127.0.31.x.
var (
	real1 = netip.MustParseAddr("127.0.31.1")
	real2 = netip.MustParseAddr("127.0.31.2")
	real3 = netip.MustParseAddr("127.0.31.3")
)

func realPhone(t testing.TB, ca *siptest.Office, name string, ip netip.Addr, u *user, edit ...func(*Config)) *Stack {
	t.Helper()
	cfg := Config{Listen: ip, Handler: u, PeerUser: ca.PeerUser}
	cfg.ServerTLS, cfg.ClientTLS = ca.StackTLS(name)
	for _, e := range edit {
		e(&cfg)
	}
	return run(t, cfg)
}

// A stack on every address answers from the one that was asked: the client's socket
// is connected to it, and hears nobody else.
func TestEveryAddress(t *testing.T) {
	ca := siptest.NewOffice(t)
	var own []string
	s := realPhone(t, ca, "101@office", netip.Addr{}, &user{request: func(tx *ServerTx) {
		own = append(own, tx.Flow.Own().Addr().String())
		tx.Reply(200)
	}})
	port := s.Addr(UDP).Port()
	if s.Addr(TCP).Port() != port {
		t.Errorf("UDP %v, TCP %v", s.Addr(UDP), s.Addr(TCP))
	}
	var want []string
	for i, ip := range []string{"127.0.31.1", "127.0.31.3", "::1"} {
		to := netip.AddrPortFrom(netip.MustParseAddr(ip), port)
		c, err := net.Dial("udp", to.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "%s", registerText(i))
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		buf := make([]byte, 2000)
		n, err := c.Read(buf)
		if err != nil || !strings.HasPrefix(string(buf[:n]), "SIP/2.0 200") {
			t.Errorf("%s: %q, %v", ip, buf[:n], err)
		}
		want = append(want, ip)
		if !s.Listens(UDP, to) || !s.Listens(TCP, to) || s.Listens(TLS, to) || s.Listens(Loopback, to) {
			t.Errorf("%v is ours", to)
		}
	}
	if got := get(s, func() string { return fmt.Sprint(own) }); got != fmt.Sprint(want) {
		t.Errorf("%s; want %v", got, want)
	}
	if s.Listens(UDP, netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), port)) || s.Listens(UDP, netip.AddrPortFrom(real1, port+1)) {
		t.Error("foreign addresses are ours")
	}
	// What we ask first says by which address we are reached.
	c, err := net.ListenPacket("udp", "127.0.31.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f := mustConnect(t, s, Target{Transport: UDP, Addr: addrPort(c.LocalAddr())})
	in(s, func() {
		ack := newRequest(sip.ACK, "sip:102@office", "1")
		ack.PrependHeader(f.Via(magic + "1"))
		f.Send(ack)
	})
	buf := make([]byte, 2000)
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, from, err := c.ReadFrom(buf)
	if err != nil || !strings.Contains(string(buf[:n]), "Via: SIP/2.0/UDP "+addrPort(from).Addr().String()+":") {
		t.Errorf("%v: %q, %v", from, buf[:n], err)
	}
}

// Two phones over UDP, TCP and TLS.
func TestSockets(t *testing.T) {
	ca := siptest.NewOffice(t)
	lost := make(chan *Flow, 8)
	near := realPhone(t, ca, "101@office", real1, &user{lost: func(f *Flow) { lost <- f }})
	far := realPhone(t, ca, "102@office", real2, &user{request: func(tx *ServerTx) { tx.Reply(200, "Subject", tx.Flow.Remote().Addr().String()+" "+tx.Flow.Peer()) }})
	for transport, want := range map[Transport]string{UDP: "127.0.31.1 ", TCP: "127.0.31.1 ", TLS: "127.0.31.1 101@office"} {
		to := Target{Transport: transport, Addr: far.Addr(transport)}
		if transport == TLS {
			to.Peer = "102@office"
		}
		f := mustConnect(t, near, to)
		got := make(chan string, 1)
		in(near, func() {
			near.Request(f, newRequest(sip.OPTIONS, "sip:102@office", "1"),
				func(r *sip.Response) { got <- r.GetHeader("Subject").Value() }, func(err error) { got <- err.Error() })
		})
		if s := <-got; strings.TrimSpace(s) != strings.TrimSpace(want) {
			t.Errorf("%v: %q; want %q", transport, s, want)
		}
		if !far.Listens(transport, f.Remote()) || near.Listens(transport, f.Remote()) {
			t.Errorf("%v listens on %v", transport, f.Remote())
		}
		if transport != UDP {
			in(far, func() {
				for g := range far.flows {
					g.Close()
				}
			})
			if <-lost != f {
				t.Error("another flow was lost")
			}
		}
	}
	if _, _, err := connect(t, near, Target{Transport: TLS, Addr: netip.AddrPortFrom(real3, 9), Peer: "102@office"}); !errors.Is(err, ErrFlow) {
		t.Error(err)
	}
	// Nowhere at all is known at once, not after 32 s.
	nowhere := mustConnect(t, near, Target{Transport: UDP, Addr: netip.MustParseAddrPort("192.0.2.1:5060")})
	failed := make(chan error, 1)
	in(near, func() {
		near.Request(nowhere, newRequest(sip.OPTIONS, "sip:103@office", "2"), nil, func(err error) { failed <- err })
	})
	if err := <-failed; !errors.Is(err, ErrFlow) {
		t.Error(err)
	}
	// Without clear transports there are only TLS ones.
	only := realPhone(t, ca, "103@office", real3, &user{}, func(c *Config) { c.NoClear = true })
	if only.Addr(UDP).IsValid() || only.Addr(TCP).IsValid() || only.Listens(UDP, netip.AddrPortFrom(real3, 5060)) {
		t.Error("listens in clear")
	}
	if _, _, err := connect(t, only, Target{Transport: UDP, Addr: near.Addr(UDP)}); !errors.Is(err, ErrFlow) {
		t.Error(err)
	}
	mustConnect(t, only, Target{Transport: TLS, Addr: far.Addr(TLS), Peer: "102@office"})
}

func TestConfig(t *testing.T) {
	ca := siptest.NewOffice(t)
	server, client := ca.StackTLS("101@office")
	good := Config{Listen: real1, Handler: &user{}, ServerTLS: server, ClientTLS: client, PeerUser: ca.PeerUser}
	for name, edit := range map[string]func(*Config){
		"no handler":          func(c *Config) { c.Handler = nil },
		"no server TLS":       func(c *Config) { c.ServerTLS = nil },
		"no client TLS":       func(c *Config) { c.ClientTLS = nil },
		"no PeerUser":         func(c *Config) { c.PeerUser = nil },
		"unspecified address": func(c *Config) { c.Listen = netip.IPv4Unspecified() },
		"foreign address":     func(c *Config) { c.Listen = netip.MustParseAddr("192.0.2.1") },
	} {
		cfg := good
		edit(&cfg)
		if s, err := New(cfg); err == nil {
			s.closeSockets()
			t.Errorf("%s: taken", name)
		}
	}
}

// echo answers until the benchmark ends; done gets a word for each response.
func benchmarkPair(b *testing.B, request func(*ServerTx)) (near *Stack, f *Flow) {
	ca := siptest.NewOffice(b)
	limits := func(c *Config) {
		c.Limits = Limits{StrangerRate: 1e9, KnownRate: 1e9, TotalRate: 1e9, Transactions: 1 << 20}
	}
	far := realPhone(b, ca, "102@office", real2, &user{request: request}, limits)
	near = realPhone(b, ca, "101@office", real1, &user{}, limits)
	return near, mustConnect(b, near, Target{Transport: UDP, Addr: far.Addr(UDP)})
}

// One client sends REGISTERs on a plain socket: what is measured is our server side.
func BenchmarkRegister(b *testing.B) {
	ca := siptest.NewOffice(b)
	s := realPhone(b, ca, "102@office", real2, &user{request: func(tx *ServerTx) { tx.Reply(200) }}, func(c *Config) {
		c.Limits = Limits{StrangerRate: 1e9, KnownRate: 1e9, TotalRate: 1e9, Transactions: 20000}
	})
	c, err := net.Dial("udp", s.Addr(UDP).String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	buf := make([]byte, 2000)
	texts := make([][]byte, b.N)
	for i := range texts {
		texts[i] = registerText(i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		c.Write(texts[i])
		if _, err := c.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
}

// Both sides of INVITE, 180, 200 over UDP.
func BenchmarkInvite(b *testing.B) {
	near, f := benchmarkPair(b, func(tx *ServerTx) {
		tx.Reply(180)
		tx.Reply(200, "Contact", "<sip:102@127.0.31.2>")
	})
	done := make(chan error, 1)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		near.Do(func() {
			near.Request(f, newRequest(sip.INVITE, "sip:102@office", fmt.Sprint(i)), func(r *sip.Response) {
				if r.StatusCode == 200 {
					done <- nil
				}
			}, func(err error) { done <- err })
		})
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
}
