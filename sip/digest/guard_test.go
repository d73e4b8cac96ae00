package digest

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// T2: nobody gets in without the password; the negative control does with it.
func TestForgeries(t *testing.T) {
	s := newServer(false)
	var got [Malformed + 1]int
	now := boot
	for i := range 10000 {
		now = now.Add(10 * time.Millisecond)
		c := client{user: "bob", password: fmt.Sprint("guess", i), algorithm: []string{"SHA-256", "MD5"}[i%2], nc: 1, uri: "sip:office"}
		c.nonce = challenged(t, s.Challenge(now, there, false), "SHA-256")
		got[ask(s, now, there, c.answer("REGISTER")).Outcome]++
	}
	if got[Accepted] != 0 || got[Wrong]+got[Slow] != 10000 || got[Wrong] > 60 {
		t.Errorf("%v", got)
	}
	c := client{user: "bob", password: "zanzibar", algorithm: "MD5", nc: 1, uri: "sip:office"}
	c.nonce = challenged(t, s.Challenge(now, here, false), "MD5")
	if v := ask(s, now, here, c.answer("REGISTER")); v.Outcome != Accepted {
		t.Errorf("the right password from another source: %+v", v)
	}
}

func TestStrangersLearnNothing(t *testing.T) {
	try := func(user string) (outcomes []Outcome, hashes int) {
		s := newServer(false)
		for i := range 40 {
			c := client{user: user, password: "guess", algorithm: "SHA-256", nc: i + 1, uri: "sip:office"}
			now := boot.Add(time.Duration(i) * 300 * time.Millisecond)
			c.nonce = challenged(t, s.Challenge(now, there, false), "SHA-256")
			outcomes = append(outcomes, ask(s, now, there, c.answer("REGISTER")).Outcome)
		}
		return outcomes, s.hashes
	}
	a, n := try("bob")
	b, m := try("nobody")
	if !slices.Equal(a, b) || n != m || n == 0 {
		t.Errorf("%v, %d hashes; %v, %d hashes", a, n, b, m)
	}
}

func TestGuard(t *testing.T) {
	g := newGuard()
	now := boot
	g.right(now, here, "good")
	for range freeFailures {
		if g.wait(now, here, "bad") != 0 {
			t.Fatal("the first ones cost nothing")
		}
		g.wrong(now, here, "bad")
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 32} {
		if got := g.wait(now, here, "bad"); got != want*time.Second {
			t.Errorf("%v, want %v s", got, int(want))
		}
		if w := g.wait(now, here, "other"); w != time.Second {
			t.Errorf("others at the source: %v", w)
		}
		if g.wait(now, here, "good") != 0 || g.wait(now, there, "bad") != 0 {
			t.Error("who has done no wrong has to wait")
		}
		now = now.Add(want * time.Second)
		g.wrong(now, here, "bad")
	}
	if w := g.wait(now.Add(goodMemory+time.Second), here, "good"); w != 0 {
		t.Error(w)
	}
	now = now.Add(failureMemory + time.Second)
	if n := g.wrong(now, here, "bad"); n != 1 || g.wait(now, here, "bad") != 0 {
		t.Errorf("not forgotten: %d", n)
	}
	for range freeFailures {
		g.wrong(now, here, "good")
	}
	if g.wait(now, here, "good") == 0 {
		t.Error("who was good once may guess for ever")
	}
	g.right(now, here, "good")
	if g.wait(now, here, "good") != 0 {
		t.Error("a right answer does not set free")
	}
	for i := range 5 * maxFailing {
		g.wrong(now, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), "x")
	}
	if n := len(g.failing.new) + len(g.failing.old); n > 2*maxFailing {
		t.Errorf("%d entries", n)
	}
}
