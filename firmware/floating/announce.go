package floating

import (
	"encoding/binary"
	"net"
	"net/netip"

	"chordophone/firmware/appliance/network/arp"
)

const (
	etherARP  = 0x0806
	etherIPv6 = 0x86dd
)

// announcement is the Ethernet frame that tells everybody on a network that an
// address is at a hardware address of six octets.
func announcement(address netip.Addr, hardware net.HardwareAddr) []byte {
	if address.Is4() {
		f := ethernet(net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, hardware, etherARP)
		return arp.Announcement(arp.Hardware(hardware), address).Append(f)
	}
	return advertisement(address, hardware)
}

// advertisement is an unsolicited Neighbour Advertisement with the Override flag.
// RFC 4861, sections 4.4 and 7.2.6
func advertisement(address netip.Addr, hardware net.HardwareAddr) []byte {
	const (
		icmpv6    = 58
		size      = 32
		overrides = 0x20
	)
	everybody := netip.IPv6LinkLocalAllNodes()
	f := ethernet(net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1}, hardware, etherIPv6)
	f = append(f, 0x60, 0, 0, 0, 0, size, icmpv6, 255)
	f = append(f, address.AsSlice()...)
	f = append(f, everybody.AsSlice()...)
	message := len(f)
	f = append(f, 136, 0, 0, 0, overrides, 0, 0, 0)
	f = append(f, address.AsSlice()...)
	f = append(f, 2, 1) // Target Link-Layer Address, of 8 octets
	f = append(f, hardware...)

	pseudo := append(address.AsSlice(), everybody.AsSlice()...) // RFC 8200, section 8.1
	pseudo = append(pseudo, 0, 0, 0, size, 0, 0, 0, icmpv6)
	binary.BigEndian.PutUint16(f[message+2:], checksum(append(pseudo, f[message:]...)))
	return f
}

func ethernet(to, from net.HardwareAddr, kind uint16) []byte {
	f := make([]byte, 0, 96)
	f = append(append(f, to...), from...)
	return binary.BigEndian.AppendUint16(f, kind)
}

// checksum is the Internet checksum of an even number of octets. // RFC 1071
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
