package network

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"chordophone/firmware/appliance/network/arp"
	"chordophone/firmware/appliance/network/lease"
)

// wanted is what a server is asked for.
var wanted = dhcpv4.WithRequestedOptions(
	dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionNTPServers,
	dhcpv4.OptionRenewTimeValue, dhcpv4.OptionRebindingTimeValue,
)

// encode writes a client's message. host is the machine's name, "" for none.
func encode(m lease.Message, own arp.Hardware, host string) ([]byte, error) {
	d, err := dhcpv4.New(
		dhcpv4.WithHwAddr(own[:]),
		dhcpv4.WithMessageType(dhcpv4.MessageType(m.Type)),
		dhcpv4.WithOption(dhcpv4.OptClientIdentifier(append([]byte{byte(iana.HWTypeEthernet)}, own[:]...))),
	)
	if err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint32(d.TransactionID[:], m.Transaction)
	if m.Type != lease.Decline { // RFC 2131, table 5
		wanted(d)
		d.UpdateOption(dhcpv4.OptMaxMessageSize(maxDatagram))
		if host != "" {
			d.UpdateOption(dhcpv4.OptHostName(host))
		}
	}
	if m.Current.IsValid() {
		d.ClientIPAddr = m.Current.AsSlice()
	} else {
		d.SetBroadcast() // nobody answers by ARP for an address that is not there yet
	}
	if m.Wanted.IsValid() {
		d.UpdateOption(dhcpv4.OptRequestedIPAddress(m.Wanted.AsSlice()))
	}
	if m.Server.IsValid() {
		d.UpdateOption(dhcpv4.OptServerIdentifier(m.Server.AsSlice()))
	}
	return d.ToBytes(), nil
}

// decode reads a server's message to this client.
func decode(b []byte, own arp.Hardware) (m lease.Message, err error) {
	d, err := dhcpv4.FromBytes(b)
	if err != nil {
		return m, err
	}
	if d.OpCode != dhcpv4.OpcodeBootReply || string(d.ClientHWAddr) != string(own[:]) {
		return m, fmt.Errorf("a %v for %v", d.OpCode, d.ClientHWAddr)
	}
	m.Type = lease.Type(d.MessageType())
	m.Transaction = binary.BigEndian.Uint32(d.TransactionID[:])
	m.Lease = lease.Lease{
		Address:  address(d.YourIPAddr),
		Server:   address(d.ServerIdentifier()),
		Lifetime: d.IPAddressLeaseTime(0),
		T1:       d.IPAddressRenewalTime(0),
		T2:       d.IPAddressRebindingTime(0),
	}
	if mask := d.SubnetMask(); mask != nil {
		m.Lease.Bits, _ = mask.Size() // 0 for one with holes
	} else if a := m.Lease.Address; a.Is4() {
		m.Lease.Bits, _ = net.IP(a.AsSlice()).DefaultMask().Size()
	}
	if routers := d.Router(); len(routers) > 0 {
		m.Lease.Router = address(routers[0])
	}
	for _, c := range d.NTPServers() {
		if a := address(c); a.IsValid() && len(m.Lease.Clocks) < maxClocks {
			m.Lease.Clocks = append(m.Lease.Clocks, a)
		}
	}
	return m, nil
}

// maxClocks is how many of a server's time servers are remembered.
const maxClocks = 4

func address(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

// Ports of DHCP. // RFC 2131, section 4.1
const (
	serverPort = 67
	clientPort = 68
)

// maxDatagram is what is read of a server's message.
const maxDatagram = 1500

// datagram is an IPv4 datagram from nobody to everybody: "DHCP messages broadcast by a
// client prior to that client obtaining its IP address must have the source address
// field in the IP header set to 0". // RFC 2131, section 4.1
func datagram(payload []byte) []byte {
	const ip, udp = 20, 8
	b := make([]byte, ip+udp, ip+udp+len(payload))
	b[0] = 0x45
	binary.BigEndian.PutUint16(b[2:], uint16(ip+udp+len(payload)))
	b[8], b[9] = 64, 17 // hops, UDP
	copy(b[16:], []byte{255, 255, 255, 255})
	binary.BigEndian.PutUint16(b[10:], checksum(b[:ip]))
	binary.BigEndian.PutUint16(b[ip:], clientPort)
	binary.BigEndian.PutUint16(b[ip+2:], serverPort)
	binary.BigEndian.PutUint16(b[ip+4:], uint16(udp+len(payload)))
	// No UDP checksum, which is 0. // RFC 768
	return append(b, payload...)
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

// forever is a lease without end.
const forever = 1<<32 - 1

// seconds is a lifetime as the kernel has it.
func seconds(d time.Duration) int {
	return int(min(d/time.Second, forever-1))
}
