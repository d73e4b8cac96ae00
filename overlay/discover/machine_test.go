package discover

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
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
