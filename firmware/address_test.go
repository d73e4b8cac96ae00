package firmware

import (
	"net/netip"
	"testing"
)

func TestRank(t *testing.T) {
	order := []string{"fe80::1", "::1", "127.0.0.1", "169.254.3.4", "2001:db8::7", "192.168.1.5"}
	for i := 1; i < len(order); i++ {
		if rank(netip.MustParseAddr(order[i])) <= rank(netip.MustParseAddr(order[i-1])) {
			t.Errorf("%s does not come before %s", order[i], order[i-1])
		}
	}
	if rank(netip.MustParseAddr("fe80::1")) != rank(netip.Addr{}) {
		t.Error("an IPv6 link-local address counts as an address")
	}
}

func TestOwnAddressIsTheOneGiven(t *testing.T) {
	given := netip.MustParseAddr("127.0.0.42")
	if got, err := ownAddress(given, netip.Addr{}); err != nil || got != given {
		t.Errorf("ownAddress(%v) = %v, %v", given, got, err)
	}
	if got, err := ownAddress(netip.IPv4Unspecified(), netip.Addr{}); err != nil || got.IsUnspecified() {
		t.Errorf("ownAddress(0.0.0.0) = %v, %v: want a real one", got, err)
	}
}

// What is only lent to this machine is not its own.
func TestOwnAddressIsNotTheSharedOne(t *testing.T) {
	best, err := ownAddress(netip.Addr{}, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	if other, err := ownAddress(netip.Addr{}, best); other == best {
		t.Errorf("%v, %v", other, err)
	}
}
