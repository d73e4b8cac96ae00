package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"chordophone/firmware/appliance/network/lease"
)

func again(err error) bool {
	return errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENETDOWN) && !errors.Is(err, os.ErrClosed)
}

// Metrics of routes: less is better. That of an interface is added.
const (
	metricRouter = 100
	metricLocal  = 1000 // everything is on the link, where there is no router
)

var linkLocalNet = netip.MustParsePrefix("169.254.0.0/16")

// interfaceUp switches an interface on.
func interfaceUp(index int) error {
	return netlink.LinkSetUp(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: index}})
}

// putLease has the kernel use what a server gave.
func putLease(index, preference int, l lease.Lease) error {
	a := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(l.Address, l.Bits)), LinkIndex: index, ValidLft: seconds(l.Lifetime), PreferedLft: seconds(l.Lifetime)}
	if err := netlink.AddrReplace(nil, a); err != nil {
		return fmt.Errorf("put address %v: %w", l.Address, err)
	}
	// Those who have no server are on this link, too.
	all := []netlink.Route{{LinkIndex: index, Scope: netlink.SCOPE_LINK, Dst: ipNet(linkLocalNet), Src: l.Address.AsSlice(), Priority: metricLocal + preference}}
	if l.Router.IsValid() {
		all = append(all, netlink.Route{
			LinkIndex: index, Gw: l.Router.AsSlice(), Src: l.Address.AsSlice(), Priority: metricRouter + preference,
			Flags: int(netlink.FLAG_ONLINK), // a router with an address outside of the network is one all the same
		})
	}
	return putRoutes(all)
}

// putLocal has the kernel use a link-local address.
func putLocal(index, preference int, address netip.Addr) error {
	a := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(address, linkLocalNet.Bits())), LinkIndex: index, Scope: unix.RT_SCOPE_LINK}
	if err := netlink.AddrReplace(nil, a); err != nil {
		return fmt.Errorf("put address %v: %w", address, err)
	}
	return putRoutes([]netlink.Route{{
		LinkIndex: index, Scope: netlink.SCOPE_LINK, Dst: &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
		Src: address.AsSlice(), Priority: metricLocal + preference,
	}})
}

func putRoutes(all []netlink.Route) error {
	for _, r := range all {
		if err := netlink.RouteReplace(&r); err != nil {
			return fmt.Errorf("route to %v: %w", r.Dst, err)
		}
	}
	return nil
}

// remove has the kernel use an address no longer, nor the routes that go with it.
func remove(index int, address netip.Prefix) error {
	err := netlink.AddrDel(nil, &netlink.Addr{IPNet: ipNet(address), LinkIndex: index})
	if errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove address %v: %w", address.Addr(), err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
