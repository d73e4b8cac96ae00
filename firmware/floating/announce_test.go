package floating

import (
	"encoding/hex"
	"net"
	"net/netip"
	"testing"
)

var hardware = net.HardwareAddr{2, 0, 0, 0, 0xab, 0xcd}

// The frames, octet by octet. RFC 5227, section 2.3; RFC 4861, section 4.4; the
// checksum is another program's.
func TestAnnouncement(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.250": "ffffffffffff" + "02000000abcd" + "0806" +
			"0001" + "0800" + "06" + "04" + "0001" +
			"02000000abcd" + "c00002fa" + "000000000000" + "c00002fa",
		"2001:db8::fa": "333300000001" + "02000000abcd" + "86dd" +
			"60000000" + "0020" + "3a" + "ff" +
			"20010db80000000000000000000000fa" + "ff020000000000000000000000000001" +
			"8800" + "4b6c" + "20000000" + "20010db80000000000000000000000fa" +
			"0201" + "02000000abcd",
	} {
		got := hex.EncodeToString(announcement(netip.MustParseAddr(address), hardware))
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", address, got, want)
		}
	}
}
