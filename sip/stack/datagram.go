package stack

import (
	"net"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// datagram is what the kernel is told of one datagram, or tells. It is kept for the
// next one: to make it anew each time would cost as much as the call itself.
//
// Its calls never wait, so they go to the kernel without a word to Go's scheduler,
// which after each quiet moment would wake a thread to watch over them. That thread
// cost a fifth of all processor time of a phone with a call every few milliseconds.
type datagram struct {
	name    unix.RawSockaddrInet6 // has room for IPv4's, too
	iov     unix.Iovec
	control [128]byte
	head    unix.Msghdr

	// do makes the call on a file descriptor and says whether it is done, which it is
	// not when it would have waited.
	do  func(fd uintptr) bool
	n   int // octets
	err unix.Errno

	scope uint32 // of the last link-local source,
	zone  string // ... by its name
}

// newDatagram is for recvmsg or sendmsg.
func newDatagram(call uintptr) *datagram {
	d := &datagram{}
	d.head.Name = (*byte)(unsafe.Pointer(&d.name))
	d.head.Iov = &d.iov
	d.head.SetIovlen(1)
	d.do = func(fd uintptr) bool {
		for {
			n, _, err := unix.RawSyscall(call, fd, uintptr(unsafe.Pointer(&d.head)), unix.MSG_DONTWAIT)
			if d.n, d.err = int(n), err; err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	}
	return d
}

// prepare has data be filled, or sent.
func (d *datagram) prepare(data []byte, namelen, control int) {
	d.iov.Base = unsafe.SliceData(data)
	d.iov.SetLen(len(data))
	d.head.Namelen = uint32(namelen)
	d.head.Control = nil
	if control > 0 {
		d.head.Control = &d.control[0]
	}
	d.head.SetControllen(control)
}

// source is where a datagram came from.
func (d *datagram) source() netip.AddrPort {
	port := (*[2]byte)(unsafe.Pointer(&d.name.Port))
	at := uint16(port[0])<<8 | uint16(port[1])
	if d.name.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&d.name))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), at)
	}
	a := netip.AddrFrom16(d.name.Addr).Unmap()
	if id := d.name.Scope_id; id != 0 && a.Is6() {
		if d.scope != id {
			d.scope, d.zone = id, strconv.FormatUint(uint64(id), 10)
			if i, err := net.InterfaceByIndex(int(id)); err == nil {
				d.zone = i.Name
			}
		}
		a = a.WithZone(d.zone)
	}
	return netip.AddrPortFrom(a, at)
}

// target says where a datagram goes; the result is how long its name is.
func (d *datagram) target(to netip.AddrPort, v6 bool) int {
	d.name = unix.RawSockaddrInet6{}
	*(*[2]byte)(unsafe.Pointer(&d.name.Port)) = [2]byte{byte(to.Port() >> 8), byte(to.Port())}
	if !v6 {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&d.name))
		v4.Family, v4.Addr = unix.AF_INET, to.Addr().As4()
		return unix.SizeofSockaddrInet4
	}
	d.name.Family, d.name.Addr = unix.AF_INET6, to.Addr().As16()
	if zone := to.Addr().Zone(); zone != "" {
		if i, err := net.InterfaceByName(zone); err == nil {
			d.name.Scope_id = uint32(i.Index)
		} else if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
			d.name.Scope_id = uint32(n)
		}
	}
	return unix.SizeofSockaddrInet6
}

// cameTo is which of our addresses a datagram was sent to, as the kernel tells.
func (d *datagram) cameTo(v6 bool) netip.Addr {
	var dst net.IP
	control := d.control[:d.head.Controllen]
	if v6 {
		var m ipv6.ControlMessage
		if m.Parse(control) == nil {
			dst = m.Dst
		}
	} else {
		var m ipv4.ControlMessage
		if m.Parse(control) == nil {
			dst = m.Dst
		}
	}
	a, _ := netip.AddrFromSlice(dst)
	return a.Unmap()
}

// leaveFrom says which of our addresses a datagram is sent from; the result is how
// long that is.
func (d *datagram) leaveFrom(from netip.Addr, v6 bool) int {
	if v6 {
		return copy(d.control[:], (&ipv6.ControlMessage{Src: from.AsSlice()}).Marshal())
	}
	return copy(d.control[:], (&ipv4.ControlMessage{Src: from.AsSlice()}).Marshal())
}
