package stack

import (
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// socket is one UDP socket. One that is bound to every address learns with each
// datagram at which of them it came in, and sends from the address it is told.
type socket struct {
	conn  net.PacketConn
	udp   *net.UDPConn // nil: conn is of a test
	raw   syscall.RawConn
	at    netip.Addr // not valid if bound to every address
	v6    bool
	every bool
}

const socketBuffer = 1 << 20 // octets that the kernel keeps for us, if it may

func newSocket(conn net.PacketConn) (*socket, error) {
	k := &socket{conn: conn}
	if at := addrPort(conn.LocalAddr()).Addr(); !at.IsUnspecified() {
		k.at = at
	}
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return k, nil
	}
	at := addrPort(conn.LocalAddr()).Addr()
	k.udp, k.v6, k.every = udp, at.Is6(), at.IsUnspecified()
	udp.SetReadBuffer(socketBuffer)
	udp.SetWriteBuffer(socketBuffer)
	var err error
	if k.raw, err = udp.SyscallConn(); err != nil {
		return nil, err
	}
	switch {
	case k.every && k.v6:
		err = ipv6.NewPacketConn(udp).SetControlMessage(ipv6.FlagDst, true)
	case k.every:
		err = ipv4.NewPacketConn(udp).SetControlMessage(ipv4.FlagDst, true)
	}
	return k, err
}

// read reads one datagram and says to which address of ours it came.
func (k *socket) read(buf, oob []byte) (n int, from netip.AddrPort, to netip.Addr, err error) {
	if k.udp == nil {
		var a net.Addr
		n, a, err = k.conn.ReadFrom(buf)
		if err == nil {
			from = addrPort(a)
		}
		return n, from, k.at, err
	}
	if !k.every {
		n, from, err = k.udp.ReadFromUDPAddrPort(buf)
		return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), k.at, err
	}
	n, m, _, from, err := k.udp.ReadMsgUDPAddrPort(buf, oob)
	if err != nil {
		return 0, from, to, err
	}
	var dst net.IP
	if k.v6 {
		var cm ipv6.ControlMessage
		if cm.Parse(oob[:m]) == nil {
			dst = cm.Dst
		}
	} else {
		var cm ipv4.ControlMessage
		if cm.Parse(oob[:m]) == nil {
			dst = cm.Dst
		}
	}
	to, _ = netip.AddrFromSlice(dst)
	return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), to.Unmap(), nil
}

// write never blocks: what finds no place in the kernel is lost, as on any network.
func (k *socket) write(data []byte, from netip.Addr, to netip.AddrPort) error {
	if k.udp == nil {
		_, err := k.conn.WriteTo(data, net.UDPAddrFromAddrPort(to))
		return err
	}
	var oob []byte
	if k.every && from.IsValid() {
		if k.v6 {
			oob = (&ipv6.ControlMessage{Src: from.AsSlice()}).Marshal()
		} else {
			oob = (&ipv4.ControlMessage{Src: from.AsSlice()}).Marshal()
		}
	}
	var where unix.Sockaddr
	if k.v6 {
		a := &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
		if zone := to.Addr().Zone(); zone != "" {
			if i, err := net.InterfaceByName(zone); err == nil {
				a.ZoneId = uint32(i.Index)
			} else if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
				a.ZoneId = uint32(n)
			}
		}
		where = a
	} else {
		where = &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	}
	var sent error
	err := k.raw.Write(func(fd uintptr) bool {
		for {
			_, sent = unix.SendmsgN(int(fd), data, oob, where, unix.MSG_DONTWAIT)
			if sent != unix.EINTR {
				return true
			}
		}
	})
	if err != nil {
		return err
	}
	if sent != nil && sent != unix.EAGAIN {
		return os.NewSyscallError("sendmsg", sent)
	}
	return nil
}
