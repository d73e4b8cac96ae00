package discover

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

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
