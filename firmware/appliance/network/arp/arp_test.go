package arp

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"testing"
)

var own = Hardware{2, 0, 0, 0, 0xab, 0xcd}

// The packets octet by octet. RFC 5227, sections 2.1.1 and 2.3
func TestPackets(t *testing.T) {
	address := netip.MustParseAddr("192.0.2.250")
	for _, tc := range []struct {
		p     Packet
		want  string
		probe bool
	}{
		{Probe(own, address), "0001080006040001" + "02000000abcd" + "00000000" + "000000000000" + "c00002fa", true},
		{Announcement(own, address), "0001080006040001" + "02000000abcd" + "c00002fa" + "000000000000" + "c00002fa", false},
	} {
		b := tc.p.Append(nil)
		if got := hex.EncodeToString(b); got != tc.want || tc.p.IsProbe() != tc.probe {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
		if p, err := Parse(append(b, make([]byte, 18)...)); p != tc.p || err != nil {
			t.Error(p, err)
		}
		for i := range b {
			if _, err := Parse(b[:i]); !errors.Is(err, ErrBad) {
				t.Errorf("%d octets are enough", i)
			}
		}
		for i := range 6 {
			b[i]++
			if _, err := Parse(b); !errors.Is(err, ErrBad) {
				t.Errorf("octet %d does not matter", i)
			}
			b[i]--
		}
	}
}
