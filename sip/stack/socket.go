package stack

import (
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

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

	in, out *datagram
	send    func(fd uintptr)
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
	k.in, k.out = newDatagram(unix.SYS_RECVMSG), newDatagram(unix.SYS_SENDMSG)
	k.send = func(fd uintptr) { k.out.do(fd) }
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

// read reads one datagram and says to which address of ours it came, and whether it
// had to be waited for. It is for one goroutine.
func (k *socket) read(buf []byte) (n int, from netip.AddrPort, to netip.Addr, waited bool, err error) {
	if k.udp == nil {
		began := time.Now()
		n, a, err := k.conn.ReadFrom(buf)
		if err == nil {
			from = addrPort(a)
		}
		return n, from, k.at, time.Since(began) > 0, err
	}
	control := 0
	if k.every {
		control = len(k.in.control)
	}
	k.in.prepare(buf, unix.SizeofSockaddrInet6, control)
	err = k.raw.Read(func(fd uintptr) bool {
		done := k.in.do(fd)
		waited = waited || !done
		return done
	})
	if err == nil && k.in.err != 0 {
		err = os.NewSyscallError("recvmsg", k.in.err)
	}
	if err != nil {
		return 0, from, to, waited, err
	}
	if to = k.at; k.every {
		to = k.in.cameTo(k.v6)
	}
	return k.in.n, k.in.source(), to, waited, nil
}

// write never blocks: what finds no place in the kernel is lost, as on any network.
// It is for the loop.
func (k *socket) write(data []byte, from netip.Addr, to netip.AddrPort) error {
	if k.udp == nil {
		_, err := k.conn.WriteTo(data, net.UDPAddrFromAddrPort(to))
		return err
	}
	control := 0
	if k.every && from.IsValid() {
		control = k.out.leaveFrom(from, k.v6)
	}
	k.out.prepare(data, k.out.target(to, k.v6), control)
	if err := k.raw.Control(k.send); err != nil {
		return err
	}
	if k.out.err != 0 && k.out.err != unix.EAGAIN {
		return os.NewSyscallError("sendmsg", k.out.err)
	}
	return nil
}
