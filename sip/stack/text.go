package stack

import (
	"net"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// setParam sets a parameter whose name is the same in any case.
func setParam(params sip.HeaderParams, name, value string) sip.HeaderParams {
	for i, kv := range params {
		if strings.EqualFold(kv.K, name) {
			params[i].V = value
			return params
		}
	}
	return append(params, sip.HeaderKV{K: name, V: value})
}

// addrPort is the address of a socket, IPv4 as such.
func addrPort(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.TCPAddr:
		ap = a.AddrPort()
	case *net.UDPAddr:
		ap = a.AddrPort()
	default:
		ap, _ = netip.ParseAddrPort(a.String())
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
