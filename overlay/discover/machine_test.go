package discover

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"chordophone/overlay"
)

func TestFoundWithinASecond(t *testing.T) {
	for _, n := range []int{2, 3, 20} {
		for _, apart := range []time.Duration{0, 300 * ms, 61 * time.Second} {
			b := newBus(t)
			for range n - 1 {
				b.add("Acme")
			}
			b.run(apart)
			b.add("Acme")
			if took := b.until(5*time.Second, b.complete); took > time.Second {
				t.Errorf("%d phones, the last %v later: found after %v", n, apart, took)
			}
		}
	}
}

func TestWhatIsHeard(t *testing.T) {
	b := newBus(t)
	x, y := b.add("Acme"), b.add("Acme")
	b.run(time.Second)
	s := x.sees(y)
	if s == nil {
		t.Fatal("not found")
	}
	want := sighting{
		presence: presence{ID: y.id, Office: "Acme", Extension: "102", Port: 6084},
		Addrs:    []netip.Addr{netip.MustParseAddr("169.254.1.2"), netip.MustParseAddr("fe80::2%eth0")},
		TTL:      lifetime,
	}
	if s.presence != want.presence || !slices.Equal(s.Addrs, want.Addrs) || s.TTL != want.TTL {
		t.Errorf("got  %+v\nwant %+v", *s, want)
	}
}

func TestFoundInSpiteOfLoss(t *testing.T) {
	b := newBus(t)
	b.lose = func(*node, *node) bool { return b.rng.IntN(2) == 0 }
	for range 5 {
		b.add("Acme")
	}
	if took := b.until(time.Hour, b.complete); took > time.Minute {
		t.Errorf("half of the packets lost: found after %v", took)
	}
}

func TestEnrollingIsSeen(t *testing.T) {
	b := newBus(t)
	x, y, newcomer := b.add("Acme"), b.add("Acme"), b.add("")
	b.run(10 * time.Second)
	for _, open := range []bool{true, false} {
		b.step(y, setEnrolling{open})
		seen := func() bool { return x.sees(y).Enrolling == open && newcomer.sees(y).Enrolling == open }
		if took := b.until(10*time.Second, seen); took > time.Second {
			t.Errorf("enrolling %v: seen after %v", open, took)
		}
	}
}

func TestGoodbye(t *testing.T) {
	b := newBus(t)
	x, y, z := b.add("Acme"), b.add("Acme"), b.add("Acme")
	b.run(10 * time.Second)
	b.step(y, stop{})
	y.off = true
	if took := b.until(time.Minute, func() bool { return x.sees(y) == nil && z.sees(y) == nil }); took > time.Second {
		t.Errorf("gone after %v", took)
	}
	if x.sees(z) == nil {
		t.Error("another phone went too")
	}
	if acts := y.m.step(b.now, tick{}); acts != nil {
		t.Errorf("spoke after its goodbye: %v", acts)
	}
}

func TestKilledPhoneIsForgotten(t *testing.T) {
	b := newBus(t)
	x, y, z := b.add("Acme"), b.add("Acme"), b.add("Acme")
	b.run(10 * time.Minute)
	y.off = true
	if took := b.until(time.Hour, func() bool { return x.sees(y) == nil }); took > lifetime+time.Second {
		t.Errorf("forgotten after %v", took)
	}
	if x.sees(z) == nil {
		t.Error("a living phone was forgotten too")
	}
}

// A phone that lives is never forgotten, though nobody loses a packet over it.
func TestLivingPhonesStay(t *testing.T) {
	b := newBus(t)
	for range 10 {
		b.add("Acme")
	}
	b.run(time.Minute)
	marks := make([]int, len(b.nodes))
	for i, n := range b.nodes {
		marks[i] = len(n.reports)
	}
	b.run(time.Hour)
	for i, n := range b.nodes {
		for _, r := range n.reports[marks[i]:] {
			if len(r) != len(b.nodes)-1 {
				t.Fatalf("phone %d knew %d others for a time", i, len(r))
			}
		}
		// Heard again and again: the hints are repeated, but not often.
		if reports := len(n.reports) - marks[i]; reports < 30 || reports > 300 {
			t.Errorf("phone %d: %d reports in an hour", i, reports)
		}
	}
}

func TestIdleTraffic(t *testing.T) {
	for _, n := range []int{1, 2, 20, 40} {
		b := newBus(t)
		for range n {
			b.add("Acme")
		}
		b.run(5 * time.Minute)
		b.sent = 0
		octets := 0
		b.spy = func(_ *node, p []byte) { octets += len(p) }
		b.run(20 * time.Minute)
		perMinute := float64(b.sent) / 20
		t.Logf("%3d phones: %.1f packets, %d octets a minute, all together, each family", n, perMinute, octets/20)
		if limit := 1.2 + 0.65*float64(n); perMinute > limit {
			t.Errorf("%d phones: %.1f packets a minute, want at most %.1f", n, perMinute, limit)
		}
		if !b.complete() {
			t.Errorf("%d phones: not all know all", n)
		}
	}
}

func TestStartingTogetherDoesNotFlood(t *testing.T) {
	b := newBus(t)
	for range 50 {
		b.add("Acme")
	}
	b.run(10 * time.Second)
	for i, n := range b.nodes {
		if n.sent > 10 {
			t.Errorf("phone %d sent %d packets in its first ten seconds", i, n.sent)
		}
	}
}

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

// A list of known answers may come in several packets.
// RFC 6762, section 7.2
func TestTruncatedKnownAnswers(t *testing.T) {
	m, from, link, now := hostile(t)
	for now.Before(m.links[0].lastSent.Add(10 * time.Second)) { // through with the start
		now = m.next()
		m.step(now, tick{})
	}
	list := make([]known, 60)
	for i := range list {
		list[i] = known{testID(100 + i), lifetime}
	}
	list[59].ID = m.self.ID
	packets := query(list)
	if len(packets) < 2 {
		t.Fatalf("%d packets", len(packets))
	}
	for i, p := range packets {
		msg, err := parse(p)
		if err != nil || msg.Truncated != (i < len(packets)-1) || msg.Browse != (i == 0) || len(p) > maxQuery {
			t.Fatalf("packet %d of %d octets: %+v %v", i, len(p), msg, err)
		}
	}
	l := m.links[0]
	l.queryAt = now.Add(time.Hour) // out of the way
	m.step(now, packet{link, from, packets[0]})
	if wait := l.answerAt.Sub(now); wait < 400*ms || wait > 500*ms {
		t.Fatalf("waits %v for the rest of the list", wait)
	}
	for _, p := range packets[1:] {
		m.step(now, packet{link, from, p})
	}
	if !l.answerAt.IsZero() {
		t.Error("answers, though the rest of the list had it")
	}
	// Two askers: the list of the one does not speak for the other.
	m.step(now, packet{link, from, packets[0]})
	m.step(now, packet{link, netip.MustParseAddrPort("169.254.66.7:5353"), query(nil)[0]})
	m.step(now, packet{link, from, packets[len(packets)-1]})
	if l.answerAt.IsZero() {
		t.Error("no answer for the second asker")
	}
}

// Other tools ask by name, and which services there are.
func TestOtherQuestions(t *testing.T) {
	self := testID(0)
	for _, c := range []struct {
		name   string
		typ    dnsmessage.Type
		answer bool
	}{
		{service, dnsmessage.TypePTR, true},
		{"_CHORDOPHONE._TCP.LOCAL.", dnsmessage.TypePTR, true},
		{service, dnsmessage.TypeALL, true},
		{services, dnsmessage.TypePTR, true},
		{instanceName(self), dnsmessage.TypeSRV, true},
		{instanceName(self), dnsmessage.TypeTXT, true},
		{hostName(self), dnsmessage.TypeAAAA, true},
		{hostName(testID(1)), dnsmessage.TypeA, false},
		{"_ipp._tcp.local.", dnsmessage.TypePTR, false},
		{"local.", dnsmessage.TypeALL, false},
	} {
		m, from, link, now := hostile(t)
		l := m.links[0]
		l.announceAt, l.lastSent = time.Time{}, now.Add(-time.Hour)
		b := newBuilder(dnsmessage.Header{})
		must(b.StartQuestions())
		must(b.Question(dnsmessage.Question{Name: dnsmessage.MustNewName(c.name), Type: c.typ, Class: classIN | topBit}))
		m.step(now, packet{link, from, finish(b)})
		if got := !l.answerAt.IsZero(); got != c.answer {
			t.Errorf("%s %v: answers %v", c.name, c.typ, got)
		}
		if c.answer {
			if wait := l.answerAt.Sub(now); wait < 20*ms || wait > 120*ms {
				t.Errorf("%s: after %v", c.name, wait)
			}
		}
	}
}

func TestSameSeedSameTrace(t *testing.T) {
	trace := func() string {
		b := newBus(t)
		var out string
		b.spy = func(n *node, p []byte) { out += fmt.Sprint(b.now.Sub(b.start), n.id.Short(), len(p), "\n") }
		for range 6 {
			b.add("Acme")
		}
		b.run(5 * time.Minute)
		return out
	}
	if a, b := trace(), trace(); a != b {
		t.Error("two runs differ")
	}
}

// Who knows phones that we do not is a reason to ask, long before our next turn.
func TestStrangersMakeItAsk(t *testing.T) {
	b := newBus(t)
	x := b.add("Acme")
	b.run(10 * time.Minute)
	l := x.m.links[0]
	b.until(time.Hour, func() bool { return b.now.Equal(l.queriedAt) }) // a minute to the next
	b.run(5 * time.Second)
	asked := l.queriedAt
	b.step(x, packet{l.linkID, netip.MustParseAddrPort("169.254.66.6:5353"), query([]known{{testID(99), lifetime}})[0]})
	if took := b.until(time.Hour, func() bool { return l.queriedAt.After(asked) }); took > strangerQuery {
		t.Errorf("asked after %v", took)
	}
}

// Somebody asks all the time, and names all answers as known: that must not keep us
// from hearing them.
func TestQuestionsOfOthersDoNotStarveUs(t *testing.T) {
	b := newBus(t)
	x, y := b.add("Acme"), b.add("Acme")
	b.run(time.Minute)
	reports := len(x.reports)
	all := query([]known{{x.id, lifetime}, {y.id, lifetime}})[0]
	for range 1200 {
		for _, n := range b.nodes {
			b.step(n, packet{n.state.linkID, netip.MustParseAddrPort("169.254.66.6:5353"), all})
		}
		b.run(time.Second)
	}
	for _, r := range x.reports[reports:] {
		if len(r) != 1 {
			t.Fatal("forgot a living phone")
		}
	}
}

func TestFlappingDoesNotFlood(t *testing.T) {
	b := newBus(t)
	x := b.add("Acme")
	b.run(10 * time.Second)
	sent := x.sent
	for i := range 1000 {
		b.step(x, setEnrolling{i%2 == 0})
		b.run(10 * ms)
	}
	if n := x.sent - sent; n > 22 {
		t.Errorf("%d packets in ten seconds", n)
	}
}
