package presence

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"chordophone/sip/siptest"
	"chordophone/sip/stack"
)

// plugs is a network of which single addresses can be cut off: connections hang,
// and what is written to them is gone.
type plugs struct {
	*siptest.Network
	mu     sync.Mutex
	pulled map[netip.Addr]int // odd: it is
}

func (n *plugs) plug(ip netip.Addr, in bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if in == (n.pulled[ip]%2 == 1) {
		n.pulled[ip]++
	}
	n.Silence(netip.AddrPortFrom(ip, 5060), !in)
	n.Silence(netip.AddrPortFrom(ip, 5061), !in)
}

func (n *plugs) state(ip netip.Addr) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pulled[ip]
}

// at is the network as a machine at ip has it.
func (n *plugs) at(ip netip.Addr) stack.Net { return &socketed{n, ip} }

type socketed struct {
	*plugs
	ip netip.Addr
}

// Dial asks for the connection once a second, as TCP does.
func (s *socketed) Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	for {
		there, here := s.state(to.Addr()), s.state(s.ip)
		if there%2+here%2 == 0 {
			c, err := s.Network.Dial(ctx, from, to)
			if err != nil {
				return nil, err
			}
			return &wired{Conn: c, plugs: s.plugs, a: s.ip, b: to.Addr(), wasA: here, wasB: there}, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (s *socketed) Listen(addr netip.AddrPort) (net.Listener, error) {
	l, err := s.Network.Listen(addr)
	return &listening{l, s}, err
}

type listening struct {
	net.Listener
	s *socketed
}

func (l *listening) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	far := netip.MustParseAddrPort(c.RemoteAddr().String()).Addr()
	return &wired{Conn: c, plugs: l.s.plugs, a: l.s.ip, b: far, wasA: l.s.state(l.s.ip), wasB: l.s.state(far)}, nil
}

// wired is a connection that dies silently with either plug.
type wired struct {
	net.Conn
	plugs      *plugs
	a, b       netip.Addr
	wasA, wasB int
}

func (c *wired) Write(b []byte) (int, error) {
	if c.plugs.state(c.a) != c.wasA || c.plugs.state(c.b) != c.wasB {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func tcpAddr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
