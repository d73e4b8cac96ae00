package network

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"chordophone/firmware/appliance/network/arp"
	"chordophone/firmware/appliance/network/lease"
)

var (
	own    = arp.Hardware{2, 0, 0, 0, 0xab, 0xcd}
	server = netip.MustParseAddr("192.0.2.1")
	given  = netip.MustParseAddr("192.0.2.7")
)

// What the client sends has the fields that table 5 of RFC 2131 wants in each state.
func TestEncode(t *testing.T) {
	for _, tc := range []struct {
		name            string
		m               lease.Message
		current, wanted bool // ciaddr, requested IP address
		server, asks    bool
	}{
		{"selecting", lease.Message{Type: lease.Discover}, false, false, false, true},
		{"requesting", lease.Message{Type: lease.Request, Wanted: given, Server: server}, false, true, true, true},
		{"rebooting", lease.Message{Type: lease.Request, Wanted: given}, false, true, false, true},
		{"renewing", lease.Message{Type: lease.Request, Current: given, To: server}, true, false, false, true},
		{"declining", lease.Message{Type: lease.Decline, Wanted: given, Server: server}, false, true, true, false},
	} {
		tc.m.Transaction = 0x01020304
		b, err := encode(tc.m, own, "chordophone-101")
		if err != nil {
			t.Fatal(err)
		}
		d, err := dhcpv4.FromBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		if d.OpCode != dhcpv4.OpcodeBootRequest || lease.Type(d.MessageType()) != tc.m.Type || binary.BigEndian.Uint32(d.TransactionID[:]) != 0x01020304 ||
			d.ClientHWAddr.String() != "02:00:00:00:ab:cd" || string(d.GetOneOption(dhcpv4.OptionClientIdentifier)) != "\x01"+string(own[:]) {
			t.Errorf("%s: %s", tc.name, d.Summary())
		}
		if got := d.ClientIPAddr.Equal(given.AsSlice()); got != tc.current || d.IsBroadcast() == tc.current {
			t.Errorf("%s: ciaddr %v", tc.name, d.ClientIPAddr)
		}
		if got := d.RequestedIPAddress().Equal(given.AsSlice()); got != tc.wanted {
			t.Errorf("%s: requested %v", tc.name, d.RequestedIPAddress())
		}
		if got := d.ServerIdentifier().Equal(server.AsSlice()); got != tc.server {
			t.Errorf("%s: server %v", tc.name, d.ServerIdentifier())
		}
		if got := d.HostName() == "chordophone-101" && len(d.ParameterRequestList()) > 0; got != tc.asks {
			t.Errorf("%s: asks %v", tc.name, got)
		}
	}
}

// reply is a server's answer.
func reply(t testing.TB, change func(*dhcpv4.DHCPv4)) []byte {
	t.Helper()
	d, err := dhcpv4.New(
		dhcpv4.WithHwAddr(own[:]), dhcpv4.WithMessageType(dhcpv4.MessageTypeAck), dhcpv4.WithYourIP(given.AsSlice()),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(server.AsSlice())),
		dhcpv4.WithOption(dhcpv4.OptSubnetMask([]byte{255, 255, 254, 0})),
		dhcpv4.WithOption(dhcpv4.OptRouter(server.AsSlice())),
		dhcpv4.WithOption(dhcpv4.OptNTPServers(server.AsSlice(), given.AsSlice())),
		dhcpv4.WithOption(dhcpv4.OptIPAddressLeaseTime(time.Hour)),
	)
	if err != nil {
		t.Fatal(err)
	}
	d.OpCode = dhcpv4.OpcodeBootReply
	d.TransactionID = dhcpv4.TransactionID{1, 2, 3, 4}
	change(d)
	return d.ToBytes()
}

func TestDecode(t *testing.T) {
	m, err := decode(reply(t, func(*dhcpv4.DHCPv4) {}), own)
	l := m.Lease
	if err != nil || m.Type != lease.Ack || m.Transaction != 0x01020304 || l.Address != given || l.Bits != 23 || l.Router != server ||
		l.Server != server || l.Lifetime != time.Hour || !slices.Equal(l.Clocks, []netip.Addr{server, given}) {
		t.Errorf("%+v, %v", m, err)
	}
	m, err = decode(reply(t, func(d *dhcpv4.DHCPv4) { d.DeleteOption(dhcpv4.OptionSubnetMask) }), own)
	if err != nil || m.Lease.Bits != 24 {
		t.Errorf("without a mask: %+v, %v", m, err)
	}
	for name, change := range map[string]func(*dhcpv4.DHCPv4){
		"for another": func(d *dhcpv4.DHCPv4) { d.ClientHWAddr = []byte{2, 0, 0, 0, 0xab, 0xce} },
		"a request":   func(d *dhcpv4.DHCPv4) { d.OpCode = dhcpv4.OpcodeBootRequest },
	} {
		if m, err := decode(reply(t, change), own); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
	m, err = decode(reply(t, func(d *dhcpv4.DHCPv4) { d.UpdateOption(dhcpv4.OptSubnetMask([]byte{255, 0, 255, 0})) }), own)
	if err == nil && m.Lease.Bits != 0 {
		t.Errorf("a mask with holes: %+v", m)
	}
}

// Nothing that comes from the network stops the client.
func FuzzDecode(f *testing.F) {
	f.Add(reply(f, func(*dhcpv4.DHCPv4) {}))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decode(b, own)
		if err == nil && len(m.Lease.Clocks) > maxClocks {
			t.Error(m)
		}
	})
}

// The datagram's checksum adds up, and its lengths. RFC 791, section 3.1
func TestDatagram(t *testing.T) {
	b := datagram(make([]byte, 301))
	if checksum(b[:20]) != 0 || int(binary.BigEndian.Uint16(b[2:])) != len(b) || int(binary.BigEndian.Uint16(b[24:])) != len(b)-20 {
		t.Errorf("% x", b[:28])
	}
	if netip.AddrFrom4([4]byte(b[12:16])) != netip.IPv4Unspecified() || netip.AddrFrom4([4]byte(b[16:20])) != netip.MustParseAddr("255.255.255.255") {
		t.Errorf("% x", b[:28])
	}
}

// Given before chosen, cable before Wi-Fi, and only what has a link.
func TestBest(t *testing.T) {
	local, wifi := netip.MustParseAddr("169.254.1.2"), netip.MustParseAddr("198.51.100.7")
	for _, tc := range []struct {
		name string
		all  []portState // the cable's first
		want netip.Addr
	}{
		{"none", nil, netip.Addr{}},
		{"no link", []portState{{Leased: given, Local: local}}, netip.Addr{}},
		{"chosen", []portState{{Carrier: true, Local: local}}, local},
		{"both", []portState{{Carrier: true, Local: local, Leased: given}}, given},
		{"cable and Wi-Fi", []portState{{Carrier: true, Leased: given}, {Carrier: true, Leased: wifi}}, given},
		{"cable without a server", []portState{{Carrier: true, Local: local}, {Carrier: true, Leased: wifi}}, wifi},
		{"cable out", []portState{{Leased: given}, {Carrier: true, Leased: wifi}}, wifi},
	} {
		if got := best(tc.all); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}
