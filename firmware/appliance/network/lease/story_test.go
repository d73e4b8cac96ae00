package lease

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"chordophone/tools/story"
)

var epoch = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// TestStories plays testdata/*.txt. A story is a sentence and lines of
//
//	TIME up | down | nothing
//	TIME offer|ack ADDRESS LIFETIME [old]   of 192.0.2.1, in answer to the last question,
//	                                        old: to another one
//	TIME nak
//	TIME taken ADDRESS
//	    TIME ACTION                         what came of it, now or until the next line
func TestStories(t *testing.T) {
	story.Play(t, "testdata/*.txt", 10, tell)
}

func tell(t *testing.T, text string) string {
	m := New(rand.New(rand.NewPCG(1, 2)))
	step := func(now time.Time, ev Event) (did []string) {
		for _, a := range m.Step(now, ev) {
			did = append(did, print(a))
		}
		return did
	}
	return story.Tell(t, text, epoch, story.Machine{
		Next: m.Next,
		Tick: func(now time.Time) []string { return step(now, Tick{}) },
		Line: func(now time.Time, text string) []string {
			words := strings.Fields(text)
			switch words[0] {
			case "up":
				return step(now, Up{})
			case "down":
				return step(now, Down{})
			case "taken":
				return step(now, Taken{netip.MustParseAddr(words[1])})
			case "offer", "ack":
				life, err := time.ParseDuration(words[2])
				if err != nil {
					t.Fatal(err)
				}
				msg := Message{Type: map[string]Type{"offer": Offer, "ack": Ack}[words[0]], Transaction: m.xid, Lease: Lease{
					Address: netip.MustParseAddr(words[1]), Bits: 24, Server: netip.MustParseAddr("192.0.2.1"), Lifetime: life,
				}}
				if len(words) > 3 {
					msg.Transaction++
				}
				return step(now, Received{msg})
			case "nak":
				return step(now, Received{Message{Type: Nak, Transaction: m.xid}})
			case "nothing":
				return nil
			}
			t.Fatalf("no event: %s", text)
			return nil
		},
	})
}

func print(a Action) string {
	switch a := a.(type) {
	case Send:
		msg := a.Message
		text := map[Type]string{Discover: "DISCOVER", Request: "REQUEST", Decline: "DECLINE"}[msg.Type]
		for _, f := range []struct {
			name string
			a    netip.Addr
		}{{"current", msg.Current}, {"wanted", msg.Wanted}, {"server", msg.Server}, {"to", msg.To}} {
			if f.a.IsValid() {
				text += " " + f.name + " " + f.a.String()
			}
		}
		return text
	case Probe:
		return "probe " + a.Address.String()
	case Put:
		return fmt.Sprintf("put %v/%d for %v", a.Lease.Address, a.Lease.Bits, a.Lease.Lifetime)
	case Remove:
		return "remove " + a.Lease.Address.String()
	case Announce:
		return "announce " + a.Address.String()
	}
	return fmt.Sprintf("%T", a)
}

// What a server says that makes no sense is not taken; what it leaves out is what the
// RFC says. RFC 2131, section 4.4.5: "T1 defaults to (0.5 * duration_of_lease). T2
// defaults to (0.875 * duration_of_lease)."
func TestLease(t *testing.T) {
	good := Lease{Address: netip.MustParseAddr("192.0.2.7"), Bits: 24, Server: netip.MustParseAddr("192.0.2.1"), Lifetime: 800 * time.Second}
	if !good.good() {
		t.Fatal("not good")
	}
	if w := good.whole(); w.T1 != 400*time.Second || w.T2 != 700*time.Second {
		t.Error(w.T1, w.T2)
	}
	for i, change := range []func(l *Lease){
		func(l *Lease) { l.Address = netip.Addr{} },
		func(l *Lease) { l.Address = netip.MustParseAddr("0.0.0.0") },
		func(l *Lease) { l.Address = netip.MustParseAddr("255.255.255.255") },
		func(l *Lease) { l.Address = netip.MustParseAddr("127.0.0.1") },
		func(l *Lease) { l.Address = netip.MustParseAddr("224.0.0.1") },
		func(l *Lease) { l.Address = netip.MustParseAddr("2001:db8::1") },
		func(l *Lease) { l.Bits = 0 },
		func(l *Lease) { l.Bits = 33 },
		func(l *Lease) { l.Server = netip.Addr{} },
	} {
		l := good
		if change(&l); l.good() {
			t.Errorf("%d: %+v is good", i, l)
		}
	}
	for _, l := range []Lease{
		{}, {Lifetime: -1}, {Lifetime: 1}, {Lifetime: 1 << 62}, {Lifetime: time.Hour, T1: 2 * time.Hour},
		{Lifetime: time.Hour, T1: 50 * time.Minute, T2: 10 * time.Minute}, {Lifetime: time.Hour, T1: 59 * time.Minute},
	} {
		w := l.whole()
		if w.Lifetime < minLifetime || w.Lifetime > maxLifetime || w.T1 <= 0 || w.T2 < w.T1 || w.T2 > w.Lifetime {
			t.Errorf("%+v becomes %+v", l, w)
		}
	}
}

// Whatever comes when, an address is put before it is removed, never twice two at a
// time, and something is due while the link works.
func TestRandomly(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		m := New(rng)
		now, put, up := epoch, netip.Addr{}, false
		for range 200 {
			now = now.Add(time.Duration(rng.Int64N(int64(100 * time.Second))))
			if next := m.Next(); !next.IsZero() && rng.IntN(3) > 0 && next.After(epoch) {
				now = next
			}
			a := netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + rng.IntN(3))})
			l := Lease{Address: a, Bits: 24, Server: netip.MustParseAddr("192.0.2.1"), Lifetime: time.Duration(rng.IntN(2000)) * time.Second}
			var ev Event = Tick{}
			switch rng.IntN(8) {
			case 0:
				ev, up = Up{}, true
			case 1:
				if rng.IntN(4) == 0 {
					ev, up = Down{}, false
				}
			case 2, 3:
				ev = Received{Message{Type: Offer, Transaction: m.xid, Lease: l}}
			case 4, 5:
				ev = Received{Message{Type: Ack, Transaction: m.xid, Lease: l}}
			case 6:
				ev = []Event{Received{Message{Type: Nak, Transaction: m.xid}}, Taken{a}}[rng.IntN(2)]
			}
			for _, act := range m.Step(now, ev) {
				switch act := act.(type) {
				case Put:
					if put.IsValid() && put != act.Lease.Address {
						t.Fatalf("%v is put beside %v", act.Lease.Address, put)
					}
					put = act.Lease.Address
				case Remove:
					if put != act.Lease.Address {
						t.Fatalf("%v is removed, there is %v", act.Lease.Address, put)
					}
					put = netip.Addr{}
				}
			}
			if l, _ := m.Current(); l.Address != put {
				t.Fatalf("current is %v, put is %v", l.Address, put)
			}
			if up && m.Next().IsZero() {
				t.Fatalf("nothing is due in state %d", m.state)
			}
		}
	}
}
