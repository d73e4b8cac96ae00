package manage

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDoor(t *testing.T) {
	now := time.Unix(1000, 0)
	d := door{sources: make(map[netip.Addr]*source)}
	anna, eve := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.66")
	try := func(from netip.Addr, authenticated bool) bool {
		s, ok := d.enter(now, from)
		if ok {
			d.leave(s, authenticated)
		}
		return ok
	}
	for i := range 10 * burst {
		if !try(anna, true) {
			t.Fatalf("who has a key is refused at connection %d", i+1)
		}
		if ok := try(eve, false); ok != (i < burst) {
			t.Fatalf("try %d without key: let try %v", i+1, ok)
		}
	}
	if n := d.report(now); n != 9*burst {
		t.Errorf("%d refused", n)
	}
	if n := d.report(now); n != 0 {
		t.Errorf("said again: %d", n)
	}
	for i := range 3 {
		now = now.Add(refill)
		if !try(eve, false) || try(eve, false) {
			t.Errorf("%v after the burst: not exactly one try", time.Duration(i+1)*refill)
		}
	}

	// All at once.
	var held []*source
	for range maxPerSource {
		s, ok := d.enter(now, anna)
		if !ok {
			t.Fatal("refused")
		}
		held = append(held, s)
	}
	if try(anna, true) {
		t.Error("one address has more handshakes than it may")
	}
	bert := netip.MustParseAddr("192.0.2.2")
	for range maxHandshakes - maxPerSource {
		s, ok := d.enter(now, bert)
		if !ok {
			t.Fatal("refused")
		}
		held = append(held, s)
	}
	if try(netip.MustParseAddr("192.0.2.3"), true) {
		t.Error("more handshakes than there may be")
	}
	for _, s := range held {
		d.leave(s, false)
	}
	if d.pending != 0 {
		t.Errorf("%d pending", d.pending)
	}
}

// Whatever comes, the door is bounded and gets back what it gave.
func TestDoorIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := door{sources: make(map[netip.Addr]*source)}
		now := time.Unix(1000, 0)
		var held []*source
		// An IPv6 host has as many addresses as it likes.
		base := rapid.Uint16().Draw(t, "base")
		for i := range uint16(sources + 100) {
			a := base + i
			if s, ok := d.enter(now, netip.AddrFrom16([16]byte{0xfe, 0x80, 14: byte(a >> 8), 15: byte(a)})); ok {
				held = append(held, s)
				if rapid.IntRange(0, 3).Draw(t, "leave") > 0 {
					d.leave(held[0], rapid.Bool().Draw(t, "authenticated"))
					held = held[1:]
				}
			}
			if rapid.IntRange(0, 99).Draw(t, "wait") == 0 {
				now = now.Add(refill / 3)
			}
			if len(d.sources) > sources+1 || d.pending > maxHandshakes || d.pending != len(held) {
				t.Fatalf("%d sources, %d pending, %d held", len(d.sources), d.pending, len(held))
			}
		}
		for _, s := range held {
			d.leave(s, true)
		}
		for a, s := range d.sources {
			if s.pending != 0 || s.tokens > burst || s.tokens < 0 {
				t.Errorf("%v: %+v", a, s)
			}
		}
	})
}
