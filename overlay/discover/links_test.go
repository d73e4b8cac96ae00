package discover

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"chordophone/overlay"
)

// Two halves of an office find each other when their switches are joined, of which no
// interface tells.
func TestJoinedSwitches(t *testing.T) {
	b := newBus(t)
	for i := range 8 {
		b.add("Acme").vlan = i % 2
	}
	b.run(20 * time.Minute)
	if b.complete() {
		t.Fatal("the switches are joined already")
	}
	for _, n := range b.nodes {
		n.vlan = 0
	}
	if took := b.until(time.Hour, b.complete); took > 2*time.Minute {
		t.Errorf("found after %v", took)
	}
}

func TestInterfacesComeAndGo(t *testing.T) {
	b := newBus(t)
	x, y := b.add("Acme"), b.add("Acme")
	b.run(10 * time.Second)
	b.step(x, setLinks{nil}) // cable out
	if took := b.until(time.Minute, func() bool { return x.sees(y) == nil }); took > time.Second {
		t.Errorf("cable out: forgotten after %v", took)
	}
	sent := x.sent
	b.run(time.Minute)
	if x.sent != sent {
		t.Error("sent without a link")
	}
	b.step(x, setLinks{[]linkState{x.state}}) // cable in
	if took := b.until(time.Minute, b.complete); took > 1100*ms {
		t.Errorf("cable in: found after %v", took)
	}
	x.state.Addrs[0] = netip.MustParsePrefix("169.254.77.77/16")
	b.step(x, setLinks{[]linkState{x.state}})
	moved := func() bool { return y.sees(x).Addrs[0] == x.state.Addrs[0].Addr() }
	if took := b.until(time.Minute, moved); took > 1100*ms {
		t.Errorf("new address: seen after %v", took)
	}
	// The same interfaces over again are no news.
	b.run(time.Minute)
	sent = x.sent
	b.step(x, setLinks{[]linkState{x.state}})
	b.run(time.Second)
	if x.sent > sent+1 {
		t.Errorf("%d packets for no change", x.sent-sent)
	}
}

func TestSeveralLinks(t *testing.T) {
	m := newMachine(&presence{ID: testID(0), Office: "Acme", Port: 6084}, netip.Addr{}, newBus(t).rng)
	now := time.Now()
	eth, wlan := wire(0), wire(1)
	wlan.Index, wlan.Name = 3, "wlan0"
	eth6 := eth
	eth6.V6 = true
	m.step(now, setLinks{[]linkState{eth, eth6, wlan}})

	other := presence{ID: testID(9), Office: "Acme", Port: 7000}
	data := announcement(other, []netip.Addr{netip.MustParseAddr("fe80::9")}, lifetime, false)
	for _, l := range []linkState{eth, eth6, wlan} {
		m.step(now, packet{l.linkID, netip.MustParseAddrPort("[fe80::9]:5353"), data})
	}
	found := m.found()
	want := []netip.Addr{netip.MustParseAddr("fe80::9%eth0"), netip.MustParseAddr("fe80::9%wlan0")}
	if len(found) != 1 || !slices.Equal(found[0].Addrs, want) {
		t.Errorf("found %v, want one phone at %v", found, want)
	}
	if got := peers(found); len(got) != 2 || got[1] != (overlay.Peer{ID: other.ID, Addr: netip.AddrPortFrom(want[1], 7000)}) {
		t.Errorf("peers %v", got)
	}
	// It says goodbye on one only.
	m.step(now, packet{wlan.linkID, netip.MustParseAddrPort("[fe80::9]:5353"), announcement(other, nil, 0, false)})
	if found := m.found(); len(found) != 1 || !slices.Equal(found[0].Addrs, want[:1]) {
		t.Errorf("after the goodbye: %v", found)
	}
}

func TestBoundAddress(t *testing.T) {
	self := &presence{ID: testID(0), Office: "Acme", Port: 6084}
	eth := linkState{linkID{2, false}, "eth0", []netip.Prefix{netip.MustParsePrefix("192.168.1.5/24"), netip.MustParsePrefix("fe80::5/64")}}
	wlan := linkState{linkID{3, false}, "wlan0", []netip.Prefix{netip.MustParsePrefix("10.0.0.5/24")}}
	m := newMachine(self, netip.MustParseAddr("192.168.1.5"), newBus(t).rng)
	var packets []send
	now := time.Now()
	var ev event = setLinks{[]linkState{eth, wlan}}
	for len(packets) < 4 {
		for _, a := range m.step(now, ev) {
			if s, ok := a.(send); ok {
				packets = append(packets, s)
			}
		}
		now, ev = m.next(), tick{}
	}
	for _, p := range packets {
		if p.Link != eth.linkID {
			t.Errorf("sent on %v, where the address is not", p.Link)
		}
		msg, err := parse(p.Data)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range msg.Phones {
			if !slices.Equal(s.Addrs, []netip.Addr{netip.MustParseAddr("192.168.1.5")}) {
				t.Errorf("announced %v", s.Addrs)
			}
		}
	}
}

func TestOfficesAreKeptApart(t *testing.T) {
	b := newBus(t)
	a1, a2, z1, newcomer := b.add("Acme"), b.add("Acme"), b.add("Zenith"), b.add("")
	b.run(time.Minute)
	if got := a1.knows(); !slices.Equal(got, []overlay.ID{a2.id}) {
		t.Errorf("a phone of Acme knows %v", got)
	}
	if got := z1.knows(); len(got) != 0 {
		t.Errorf("the phone of Zenith knows %v", got)
	}
	if got := newcomer.knows(); len(got) != 3 {
		t.Errorf("the newcomer knows %v", got)
	}
	answers := 0
	b.spy = func(from *node, p []byte) {
		if msg, _ := parse(p); from == newcomer && msg.Response {
			answers++
		}
	}
	b.run(time.Hour)
	if answers > 0 {
		t.Error("the newcomer announced something")
	}
}
