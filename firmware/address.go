package firmware

import (
	"errors"
	"net"
	"net/netip"
)

var errNoAddress = errors.New("this machine has no network address; is the cable plugged in?")

// ownAddress is the address at which other phones reach this one: the one it was
// told to listen on, else the best of the machine's interfaces: a global address
// before a link-local one, IPv4 before IPv6, loopback last. It is never shared, the
// floating address, which a phone that was killed here may have left.
func ownAddress(listen, shared netip.Addr) (netip.Addr, error) {
	if listen.IsValid() && !listen.IsUnspecified() {
		return listen, nil
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Addr{}, err
	}
	var best netip.Addr
	for _, a := range all {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		if ip := prefix.Addr().Unmap(); ip != shared.Unmap() && rank(ip) > rank(best) {
			best = ip
		}
	}
	if !best.IsValid() {
		return best, errNoAddress
	}
	return best, nil
}

func rank(ip netip.Addr) int {
	n := 0
	switch {
	case !ip.IsValid() || ip.Is6() && ip.IsLinkLocalUnicast(): // needs a zone, which SIP cannot write
		return 0
	case ip.IsLoopback():
		n = 2
	case ip.IsLinkLocalUnicast():
		n = 4
	default:
		n = 6
	}
	if ip.Is4() {
		n++
	}
	return n
}
