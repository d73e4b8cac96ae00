package discover

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

// hostile is a machine that somebody sends things to.
func hostile(t *testing.T) (m *machine, from netip.AddrPort, link linkID, now time.Time) {
	m = newMachine(&presence{ID: testID(0), Office: "Acme", Port: 6084}, netip.Addr{}, newBus(t).rng)
	now = time.Now()
	l := wire(0)
	m.step(now, setLinks{[]linkState{l}})
	return m, netip.MustParseAddrPort("169.254.66.6:5353"), l.linkID, now
}

func TestQuestionsCannotMakeItFlood(t *testing.T) {
	m, from, link, now := hostile(t)
	strangers := make([]known, 20)
	sent := 0
	for i := range 12_000 { // two hundred in a second, for a minute
		for j := range strangers {
			strangers[j] = known{testID(1000 + i*20 + j), lifetime}
		}
		data := query(strangers)[0]
		if i%2 == 0 {
			data = query(nil)[0]
		}
		for _, a := range m.step(now, packet{link, from, data}) {
			if _, ok := a.(send); ok {
				sent++
			}
		}
		now = now.Add(5 * time.Millisecond)
	}
	// An answer in each half second, a question in each ten, and what the start takes.
	if sent > 120+6+10 || sent < 50 {
		t.Errorf("%d packets in a minute", sent)
	}
}

func TestMadeUpPhones(t *testing.T) {
	m, from, link, now := hostile(t)
	reports := 0
	for i := range 5_000 {
		p := presence{ID: testID(1000 + i), Office: "Acme", Port: 1}
		addr := netip.AddrFrom4([4]byte{169, 254, byte(i >> 8), byte(i) | 1})
		for _, a := range m.step(now, packet{link, from, announcement(p, []netip.Addr{addr}, lifetime, false)}) {
			if _, ok := a.(report); ok {
				reports++
			}
		}
		now = now.Add(time.Millisecond)
	}
	if n := len(m.found()); n != MaxPeers {
		t.Errorf("remembers %d phones", n)
	}
	if reports > 4*5+1 {
		t.Errorf("%d reports in five seconds", reports)
	}
	true1 := presence{ID: testID(1), Office: "Acme", Port: 6084}
	m.step(now, packet{link, from, announcement(true1, []netip.Addr{from.Addr()}, lifetime, false)})
	if !slices.ContainsFunc(m.found(), func(s sighting) bool { return s.ID == true1.ID }) {
		t.Error("no room for a true phone")
	}
	if q := query(make([]known, MaxPeers)); len(q) > 11 {
		t.Errorf("a question of %d packets", len(q))
	}
}

func TestAddressesThatDoNotCount(t *testing.T) {
	for addr, ok := range map[string]bool{
		"169.254.3.4":     true,  // on the link
		"198.51.100.7":    false, // distant
		"2001:db8::1":     false,
		"fe80::7":         true,
		"127.0.0.1":       false,
		"0.0.0.0":         false,
		"224.0.0.251":     false,
		"169.254.255.255": true, // a broadcast address: harmless to TCP
		"::1":             false,
		"ff02::fb":        false,
		"203.0.113.9":     true, // where the packet came from
	} {
		m, _, link, now := hostile(t)
		from := netip.MustParseAddrPort("203.0.113.9:5353")
		p := presence{ID: testID(1), Office: "Acme", Port: 6084}
		m.step(now, packet{link, from, announcement(p, []netip.Addr{netip.MustParseAddr(addr)}, lifetime, false)})
		if got := len(m.found()) == 1; got != ok {
			t.Errorf("%s: believed %v, want %v", addr, got, ok)
		}
	}
}

func TestResponseFromAnotherPort(t *testing.T) {
	m, from, link, now := hostile(t)
	p := presence{ID: testID(1), Office: "Acme", Port: 6084}
	data := announcement(p, []netip.Addr{from.Addr()}, lifetime, false)
	m.step(now, packet{link, netip.AddrPortFrom(from.Addr(), 40000), data})
	if len(m.found()) != 0 || m.dropped != 1 {
		t.Error("believed") // RFC 6762, section 6: "MUST silently ignore"
	}
	m.step(now, packet{linkID{99, false}, from, data})
	if len(m.found()) != 0 {
		t.Error("believed on a link that is none of ours")
	}
}

func TestTwin(t *testing.T) {
	b := newBus(t)
	x := b.add("Acme")
	b.run(time.Minute)
	if x.twins != 0 {
		t.Fatal("took itself for its twin")
	}
	y := b.add("Acme")
	y.m.self.ID = x.id // a copied SD card
	b.run(time.Minute)
	if x.twins == 0 || x.twins > 2 {
		t.Errorf("told %d times", x.twins)
	}
}
