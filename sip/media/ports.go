package media

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// PortRange is a range of UDP ports, both ends included. RTP takes an even one and
// RTCP the next (RFC 3550, section 11).
type PortRange struct{ First, Last uint16 }

// DefaultPorts has room for 250 calls.
var DefaultPorts = PortRange{16384, 16883}

// PacketConn is a UDP socket: *net.UDPConn, or a network in memory.
type PacketConn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	Close() error
}

// bind binds a pair, starting at a random place: a port that nobody can guess is one
// more thing that an injector has to find.
func (r PortRange) bind(local netip.Addr, listen func(netip.AddrPort) (PacketConn, error)) (rtp, rtcp PacketConn, port uint16, err error) {
	first := int(r.First) + int(r.First)&1
	pairs := (int(r.Last) - first + 1) / 2
	err = fmt.Errorf("range %d-%d is empty", r.First, r.Last)
	for _, i := range rand.Perm(max(pairs, 0)) {
		port = uint16(first + 2*i)
		rtp, err = listen(netip.AddrPortFrom(local, port))
		if err != nil {
			continue
		}
		rtcp, err = listen(netip.AddrPortFrom(local, port+1))
		if err != nil {
			rtp.Close()
			continue
		}
		return rtp, rtcp, port, nil
	}
	return nil, nil, 0, fmt.Errorf("%w at %v: %w", ErrNoPorts, local, err)
}

// tosEF is Expedited Forwarding (DSCP 46) in the byte of the IP header.
const tosEF = 46 << 2

// listenUDP binds a socket whose packets ask for preference. Not every network or
// kernel grants it, which is no reason not to speak.
func listenUDP(at netip.AddrPort) (PacketConn, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	if raw, err := conn.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { mark(int(fd), at.Addr().Is4()) })
	}
	return conn, nil
}

func mark(fd int, v4 bool) {
	if v4 {
		syscall.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TOS, tosEF)
	} else {
		syscall.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, tosEF)
	}
}
