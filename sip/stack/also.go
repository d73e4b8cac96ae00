package stack

import (
	"fmt"
	"net"
	"net/netip"
)

// guest is what serves the address Also where the stack does not listen on every
// address.
type guest struct {
	socket   *socket
	tcp, tls net.Listener
}

// Hold says that this machine has the address Also now, or has it no longer. Then
// what went by way of it goes by the phone's own address, and connections to it
// end: the far side begins new ones, with whoever has the address. It never blocks
// and may be called from anywhere. An address that cannot be listened on is logged.
func (s *Stack) Hold(held bool) {
	s.Do(func() {
		switch {
		case !s.cfg.Also.IsValid() || held == s.held || s.ctx.Err() != nil:
		case held:
			s.held = true
			if s.cfg.Listen.IsValid() {
				s.serveAlso()
			}
		default:
			s.held = false
			s.guest.close()
			s.guest = guest{}
			s.leaveAlso()
		}
	})
}

// serveAlso binds the same ports as at the phone's own address.
func (s *Stack) serveAlso() {
	g, err := s.bindAlso()
	if err != nil {
		g.close()
		s.log.Error("sip: no service at the address that the office shares", "address", s.cfg.Also, "error", err)
		return
	}
	s.guest = g
	if g.socket != nil {
		s.side.Go(func() { s.readDatagrams(g.socket) })
		s.side.Go(func() { s.accept(g.tcp, TCP) })
	}
	s.side.Go(func() { s.accept(g.tls, TLS) })
}

func (s *Stack) bindAlso() (g guest, err error) {
	if !s.cfg.NoClear {
		c, err := s.net.ListenPacket(netip.AddrPortFrom(s.cfg.Also, s.udpAddr.Port()))
		if err != nil {
			return g, err
		}
		if g.socket, err = newSocket(c); err != nil {
			c.Close()
			return g, err
		}
		if g.tcp, err = s.net.Listen(netip.AddrPortFrom(s.cfg.Also, s.tcpAddr.Port())); err != nil {
			return g, err
		}
	}
	g.tls, err = s.net.Listen(netip.AddrPortFrom(s.cfg.Also, s.tlsAddr.Port()))
	return g, err
}

func (g guest) close() {
	if g.socket != nil {
		g.socket.conn.Close()
	}
	if g.tcp != nil {
		g.tcp.Close()
	}
	if g.tls != nil {
		g.tls.Close()
	}
}

// leaveAlso has nothing go by way of Also any more.
func (s *Stack) leaveAlso() {
	s.udp.each(func(f *Flow) {
		if f.local.Addr() == s.cfg.Also {
			s.home(f)
		}
	})
	for f := range s.flows {
		if f.local.Addr() == s.cfg.Also {
			f.Close()
		}
	}
}

// home has a UDP flow leave from the phone's own address.
func (s *Stack) home(f *Flow) {
	f.local = netip.AddrPort{}
	if s.cfg.Listen.IsValid() {
		f.local = s.udpAddr
	}
	if k, err := s.socketFor(f.remote); err == nil {
		f.socket = k
	}
}

// from has a UDP flow leave from the address that its token names, if that is one
// of this machine's.
func (s *Stack) from(f *Flow, local netip.Addr) {
	switch {
	case local != s.cfg.Also:
		if !f.local.Addr().IsValid() {
			f.local = netip.AddrPortFrom(local, s.udpAddr.Port())
		}
	case s.held && s.guest.socket != nil:
		f.socket, f.local = s.guest.socket, netip.AddrPortFrom(local, s.udpAddr.Port())
	case s.held && !s.cfg.Listen.IsValid():
		f.local = netip.AddrPortFrom(local, s.udpAddr.Port())
	}
}

func (c *Config) checkAlso() error {
	if !c.Also.IsValid() {
		return nil
	}
	c.Also = c.Also.Unmap()
	if c.Also.IsUnspecified() || c.Also == c.Listen.Unmap() {
		return fmt.Errorf("stack: %v cannot be an address beside %v", c.Also, c.Listen)
	}
	return nil
}
