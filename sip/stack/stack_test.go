package stack

import (
	"fmt"
	"math/rand"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/sip/siptest"
	"chordophone/sip/wire/wiretest"
)

type ringer struct {
	alarm
	rang *[]*ringer
}

func (r *ringer) expire(time.Time) { *r.rang = append(*r.rang, r) }

// Alarms ring in their order, whatever was set, moved and cleared before.
func TestAlarms(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for range 50 {
		var h alarms
		var rang []*ringer
		all := make([]*ringer, 200)
		set := map[*ringer]bool{}
		for i := range all {
			all[i] = &ringer{rang: &rang}
			all[i].owner = all[i]
		}
		for range 1000 {
			r := all[rng.Intn(len(all))]
			if rng.Intn(3) == 0 {
				h.clear(&r.alarm)
				delete(set, r)
			} else {
				h.set(&r.alarm, time.Duration(rng.Intn(500)))
				set[r] = true
			}
		}
		if len(h) != len(set) {
			t.Fatalf("%d in the heap; want %d", len(h), len(set))
		}
		for len(h) > 0 {
			a := h[0]
			h.clear(a)
			a.owner.expire(time.Time{})
		}
		if len(rang) != len(set) || !slices.IsSortedFunc(rang, func(a, b *ringer) int { return int(a.at - b.at) }) {
			t.Fatal("not in order")
		}
	}
}

func TestGenerations(t *testing.T) {
	g := newGenerations[int, int](100)
	kept := 0
	g.put(-1, &kept)
	for i := range 10000 {
		g.put(i, new(int))
		if i%50 == 0 && g.get(-1) != &kept { // in use
			t.Fatal("forgot what was in use")
		}
		if g.len() > 200 {
			t.Fatalf("%d kept", g.len())
		}
	}
	if g.get(1) != nil || g.get(9999) == nil {
		t.Error("forgot the wrong ones")
	}
	g.delete(-1)
	if g.get(-1) != nil {
		t.Error("not deleted")
	}
}

func TestBucket(t *testing.T) {
	now := time.Now()
	var b bucket
	n := 0
	for range 1000 { // 10 s
		if b.take(now, 5, 20) {
			n++
		}
		now = now.Add(10 * time.Millisecond)
	}
	if n != 20+49 {
		t.Errorf("%d of 5 a second and 20 at once", n)
	}
	// A clock that stands still or goes back brings nothing.
	for range 100 {
		b.take(now, 5, 20)
	}
	if b.take(now.Add(-time.Hour), 5, 20) {
		t.Error("a token of nothing")
	}
}

// The greater rate ends ten minutes after a source was heard of last, and is of a
// host's one port.
func TestKnown(t *testing.T) {
	lan := netip.MustParsePrefix("10.7.0.0/16")
	r := newRates(Limits{}.withDefaults(), lan.Contains)
	now, a := time.Now(), netip.MustParseAddrPort("10.0.0.2:5060")
	r.know(now, a, knownFor)
	for range 100 {
		if got := r.admit(now, a); got != admittedKnown {
			t.Fatal(got)
		}
		now = now.Add(knownFor - time.Second)
	}
	if got := r.admit(now, netip.AddrPortFrom(a.Addr(), 5061)); got != admitted {
		t.Errorf("another port: %d", got)
	}
	now = now.Add(2 * time.Second)
	if r.knows(now, a) || r.admit(now, a) != admitted {
		t.Error("known for ever")
	}
	r.expect(now, a, 32*time.Second) // asked something: not prolonged by what comes
	for range 3 {
		r.admit(now, a)
		now = now.Add(11 * time.Second)
	}
	if r.knows(now, a) {
		t.Error("expected for ever")
	}
	n := 0
	for range 2000 {
		if r.admit(now, netip.MustParseAddrPort("10.0.0.3:5060")) == admitted {
			n++
		}
	}
	if n != 50 {
		t.Errorf("%d at once of a stranger", n)
	}
	n = 0
	for range 2000 {
		if r.admit(now, netip.MustParseAddrPort("10.7.0.3:5060")) == admittedKnown {
			n++
		}
	}
	if n != 2000 {
		t.Errorf("%d at once of a trusted host", n)
	}
	total := 0
	for i := range 5000 {
		if r.admit(now.Add(time.Second), netip.AddrPortFrom(netip.AddrFrom4([4]byte{11, 0, byte(i >> 8), byte(i)}), 5060)) == admitted {
			total++
		}
	}
	if total != 1000 {
		t.Errorf("%d at once of all strangers", total)
	}
}

// The torture tests of RFC 4475 and RFC 5118, one after another over UDP and each
// over a TCP connection of its own: the stack lives and leaks nothing.
func TestTorture(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		passed := 0
		s := o.phone("101@office", nearIP, &user{request: func(tx *ServerTx) { passed++; tx.Reply(480) }})
		c := siptest.Client(t, o.net, farIP, "udp", udpAddr(nearIP))
		for i, m := range wiretest.Torture() {
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, 0, byte(i)}), 5060)
			o.net.Forge(from, udpAddr(nearIP), m.Data)
			conn, err := o.net.Dial(t.Context(), from.Addr(), udpAddr(nearIP))
			if err != nil {
				t.Fatal(err)
			}
			conn.Write(m.Data)
			synctest.Wait()
			c.Vars["N"] = fmt.Sprint(i)
			c.Send(register)
			c.Expect("^SIP/2.0 480 ")
			conn.Close()
			wait(time.Second) // a stranger's rate
		}
		wait(time.Minute)
		n := s.Counters()
		t.Logf("%+v, %d passed up", n, passed)
		if n.ServerTransactions != 0 || n.Connections != 0 || n.Malformed == 0 || n.Refused == 0 || passed <= len(wiretest.Torture()) {
			t.Errorf("%+v, %d passed up", n, passed)
		}
	})
}
