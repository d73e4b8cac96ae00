package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// systemNet is the operating system's network.
type systemNet struct{}

func (systemNet) ListenPacket(addr netip.AddrPort) (net.PacketConn, error) {
	network := "udp4"
	if addr.Addr().Is6() {
		network = "udp6"
	}
	return net.ListenPacket(network, addr.String())
}

// Listen takes TCP on an address, or on every address if it has none.
func (systemNet) Listen(addr netip.AddrPort) (net.Listener, error) {
	if !addr.Addr().IsValid() {
		return net.Listen("tcp", fmt.Sprintf(":%d", addr.Port()))
	}
	return net.Listen("tcp", addr.String())
}

// Dial connects from the address that the phone listens on, so that the far side
// sees one phone at one address.
func (systemNet) Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: keepAliveConfig, Control: func(_, _ string, c syscall.RawConn) error {
		giveUp(c)
		return nil
	}}
	if from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	return d.DialContext(ctx, "tcp", to.String())
}

// unheard is for how long the far side's system may leave octets unacknowledged
// before a connection is over: it has lost its power or its network.
const unheard = 6 * time.Second

// giveUp has the kernel end a connection that is unheard for so long. // RFC 5482
// Where it cannot, keep-alive does it later.
func giveUp(c syscall.RawConn) {
	c.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unheard/time.Millisecond))
	})
}

var keepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

func keepAlive(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		t.SetKeepAliveConfig(keepAliveConfig)
		if c, err := t.SyscallConn(); err == nil {
			giveUp(c)
		}
	}
}

// localFor is the address of this machine from which datagrams to a far address
// leave.
func (s *Stack) localFor(to netip.AddrPort) netip.Addr {
	if s.cfg.Listen.IsValid() {
		return s.cfg.Listen.Unmap()
	}
	c, err := net.Dial("udp", to.String()) // sends nothing
	if err != nil {
		return netip.IPv4Unspecified()
	}
	defer c.Close()
	return addrPort(c.LocalAddr()).Addr()
}

// bind takes the ports. A free one for UDP must be free for TCP too.
func (s *Stack) bind() error {
	err := s.bindClear()
	for range 8 {
		if s.cfg.NoClear || s.cfg.UDPPort != 0 || !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
		err = s.bindClear()
	}
	if err != nil {
		return err
	}
	s.tls, err = s.net.Listen(netip.AddrPortFrom(s.cfg.Listen, s.cfg.TLSPort))
	if err != nil {
		s.closeSockets()
		return s.bindError("SIP over TLS", s.cfg.TLSPort, err)
	}
	s.tlsAddr = addrPort(s.tls.Addr())
	return nil
}

func (s *Stack) bindClear() (err error) {
	if s.cfg.NoClear {
		return nil
	}
	defer func() {
		if err != nil {
			s.closeSockets()
		}
	}()
	at := []netip.Addr{s.cfg.Listen}
	if !s.cfg.Listen.IsValid() {
		at = []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	}
	port := s.cfg.UDPPort
	for i, ip := range at {
		c, err := s.net.ListenPacket(netip.AddrPortFrom(ip, port))
		if i > 0 && (errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL)) {
			continue // a machine without IPv6
		}
		if err != nil {
			return s.bindError("SIP over UDP", port, err)
		}
		k, err := newSocket(c)
		if err != nil {
			c.Close()
			return fmt.Errorf("stack: SIP over UDP: %w", err)
		}
		s.sockets = append(s.sockets, k)
		port = addrPort(c.LocalAddr()).Port()
		if i == 0 {
			s.udpAddr = addrPort(c.LocalAddr())
		}
	}
	s.tcp, err = s.net.Listen(netip.AddrPortFrom(s.cfg.Listen, port))
	if err != nil {
		return s.bindError("SIP over TCP", port, err)
	}
	s.tcpAddr = addrPort(s.tcp.Addr())
	return nil
}

func (s *Stack) bindError(what string, port uint16, err error) error {
	hint := fmt.Sprintf("is %v an address of this machine?", s.cfg.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		hint = fmt.Sprintf("another telephone or SIP program uses port %d", port)
	}
	return fmt.Errorf("stack: %s: %w (hint: %s)", what, err, hint)
}

func (s *Stack) closeSockets() {
	for _, k := range s.sockets {
		k.conn.Close()
	}
	s.sockets = nil
	s.guest.close()
	s.guest = guest{}
	if s.tcp != nil {
		s.tcp.Close()
	}
	if s.tls != nil {
		s.tls.Close()
	}
}
