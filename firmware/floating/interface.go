package floating

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// hinted is an error with a hint for the person who reads it.
type hinted struct {
	error
	hint string
}

func (h hinted) Hint() string  { return h.hint }
func (h hinted) Unwrap() error { return h.error }

// Interface is the address on an interface of this machine.
type Interface struct {
	address netip.Addr
	bits    int
	index   int              // of the interface
	mac     net.HardwareAddr // empty: nobody to tell
}

// Open finds the interface that has the phone's own address, and takes away what a
// phone that was killed here left. Its errors have hints.
func Open(address netip.Prefix, own netip.Addr) (*Interface, error) {
	ip := address.Addr().Unmap()
	if ip == own || !ip.IsGlobalUnicast() && !ip.IsLoopback() && !(ip.Is4() && ip.IsLinkLocalUnicast()) {
		return nil, hinted{fmt.Errorf("%v cannot be an address that phones share", ip), "choose a free address of the phones' network"}
	}
	n := &Interface{address: ip, bits: address.Bits()}
	if err := n.find(own); err != nil {
		return nil, err
	}
	if err := n.clean(); err != nil {
		return nil, err
	}
	err := n.Remove() // tells whether we may
	if err == nil {
		var s int
		if s, err = packetSocket(); err == nil {
			unix.Close(s)
		}
	}
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		err = hinted{err, "run as root, or with the capabilities CAP_NET_ADMIN and CAP_NET_RAW (setcap, or AmbientCapabilities of systemd)"}
	}
	if err != nil {
		return nil, fmt.Errorf("change addresses: %w", err)
	}
	return n, nil
}

// find looks for the interface. Where one of its networks contains the address, the
// address is put there with no network of its own, lest the kernel takes it as the
// source of what this machine begins itself.
func (n *Interface) find(own netip.Addr) error {
	all, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, exact := range []bool{true, false} { // every address of a loopback network is its own
		for _, i := range all {
			prefixes := prefixesOf(i)
			found := false
			for _, p := range prefixes {
				found = found || p.Addr() == own || !exact && p.Contains(own)
			}
			if !found {
				continue
			}
			n.index = i.Index
			if len(i.HardwareAddr) == 6 && i.Flags&net.FlagLoopback == 0 {
				n.mac = i.HardwareAddr
			}
			for _, p := range prefixes {
				if p.Contains(n.address) {
					n.bits = n.address.BitLen()
				}
			}
			return nil
		}
	}
	return hinted{fmt.Errorf("no interface has the address %v", own), "give --listen an address of this machine"}
}

func prefixesOf(i net.Interface) (all []netip.Prefix) {
	list, _ := i.Addrs() // gone meanwhile
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, netip.PrefixFrom(p.Addr().Unmap().WithZone(""), p.Bits()))
		}
	}
	return all
}

// clean removes the address wherever it is. Ours is never permanent: one that is
// belongs to somebody else.
func (n *Interface) clean() error {
	list, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return err
	}
	for _, a := range list {
		if ip, ok := netip.AddrFromSlice(a.IP); !ok || ip.Unmap() != n.address {
			continue
		}
		if a.Flags&unix.IFA_F_PERMANENT != 0 {
			return hinted{fmt.Errorf("%v is this machine's own already", n.address), "choose an address that nobody has"}
		}
		if err := ignore(netlink.AddrDel(nil, &a), unix.EADDRNOTAVAIL, unix.ENODEV); err != nil {
			return err
		}
	}
	return nil
}

// Put has the address for a while, or for a while longer. It is put there as
// deprecated: nothing that this machine begins itself leaves from it.
func (n *Interface) Put(lifetime time.Duration) error {
	a := n.addr()
	a.ValidLft = int(lifetime / time.Second)
	if n.address.Is6() {
		a.Flags = unix.IFA_F_NODAD // it works at once
	}
	if err := netlink.AddrReplace(nil, a); err != nil {
		return fmt.Errorf("put address %v: %w", n.address, err)
	}
	return nil
}

// Remove has the address no longer.
func (n *Interface) Remove() error {
	if err := ignore(netlink.AddrDel(nil, n.addr()), unix.EADDRNOTAVAIL, unix.ENODEV); err != nil {
		return fmt.Errorf("remove address %v: %w", n.address, err)
	}
	return nil
}

func (n *Interface) addr() *netlink.Addr {
	return &netlink.Addr{
		IPNet:     &net.IPNet{IP: n.address.AsSlice(), Mask: net.CIDRMask(n.bits, n.address.BitLen())},
		LinkIndex: n.index,
	}
}

func ignore(err error, those ...error) error {
	for _, e := range those {
		if errors.Is(err, e) {
			return nil
		}
	}
	return err
}

// Announce tells the network that the address is here.
func (n *Interface) Announce() error {
	if len(n.mac) == 0 {
		return nil
	}
	s, err := packetSocket()
	if err != nil {
		return fmt.Errorf("announce %v: %w", n.address, err)
	}
	defer unix.Close(s)
	err = unix.Sendto(s, announcement(n.address, n.mac), unix.MSG_DONTWAIT, &unix.SockaddrLinklayer{Ifindex: n.index})
	if err != nil {
		return fmt.Errorf("announce %v: %w", n.address, err)
	}
	return nil
}

// packetSocket sends frames and hears none.
func packetSocket() (int, error) {
	return unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
}
