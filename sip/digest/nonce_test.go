package digest

import (
	"strings"
	"testing"
	"time"
)

func TestReplay(t *testing.T) {
	s := newServer(false)
	c := client{user: "bob", password: "zanzibar", algorithm: "SHA-256", nc: 1, uri: "sip:office"}
	c.nonce = challenged(t, s.Challenge(boot, here, false), "SHA-256")
	first := c.answer("REGISTER")
	for i, want := range []Outcome{Accepted, Stale, Stale} {
		if v := ask(s, boot, here, first); v.Outcome != want {
			t.Errorf("%d: %+v", i, v)
		}
	}
	c.nc = 2
	second := c.answer("REGISTER")
	if v := ask(s, boot, there, second); v.Outcome != Stale {
		t.Errorf("sniffed and sent from elsewhere: %+v", v)
	}
	if v := ask(s, boot.Add(nonceLife+time.Millisecond), here, second); v.Outcome != Stale {
		t.Errorf("too late: %+v", v)
	}
	if v := ask(s, boot.Add(nonceLife), here, second); v.Outcome != Accepted {
		t.Errorf("in time: %+v", v)
	}
}

func TestNonceIsBound(t *testing.T) {
	n := newNonces(boot, []byte("key"), realm)
	nonce := n.make(boot, here)
	if _, ok := n.check(boot, nonce, here); !ok {
		t.Fatal("not good")
	}
	for i := range nonce { // each bit of it
		b := []byte(nonce)
		b[i] ^= 1
		if _, ok := n.check(boot, string(b), here); ok {
			t.Errorf("octet %d does not count", i)
		}
	}
	for _, other := range []nonces{newNonces(boot, []byte("kez"), realm), newNonces(boot, []byte("key"), "elsewhere")} {
		if _, ok := other.check(boot, nonce, here); ok {
			t.Error("good for another realm or another phone")
		}
	}
	if n.make(boot, here) == nonce {
		t.Error("two clients have one nonce")
	}
	for _, s := range []string{"", nonce + "A", nonce[1:], nonce[:len(nonce)-1] + "=", strings.Repeat("!", len(nonce))} {
		if _, ok := n.check(boot, s, here); ok {
			t.Errorf("%q is good", s)
		}
	}
}

func TestCountsAreTakenOnce(t *testing.T) {
	u := make(used, 4)
	for i, tc := range []struct {
		nonce uint64
		nc    uint32
		want  bool
	}{
		{1, 1, true}, {1, 1, false},
		{1, 3, true}, {1, 2, true}, {1, 2, false}, {1, 3, false}, // overtaken on the way
		{1, 40, true}, {1, 9, true}, {1, 8, false}, {1, 9, false}, {1, 3, false},
		{1, 1 << 31, true}, {1, 40, false}, {1, 1<<31 - 31, true},
		{2, 1, true}, {1, 1<<31 + 1, true},
		{5, 7, true}, {1, 1<<31 + 2, false}, // 5 has taken the place of 1
		{5, 6, true}, {5, 7, false},
	} {
		if got := u.take(tc.nonce, tc.nc); got != tc.want {
			t.Errorf("%d: %+v", i, tc)
		}
	}
}
