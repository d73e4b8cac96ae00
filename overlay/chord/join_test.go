package chord

import (
	"math/rand/v2"
	"testing"
	"time"

	"chordophone/overlay"
)

// One of many that are known lives, the others are silent, and some refuse at once: it is
// asked before this node makes a ring of its own.
func TestKnocks(t *testing.T) {
	for _, refusing := range []int{0, 2, 4} {
		for seed := range uint64(20) {
			var known []overlay.Peer
			for b := range 15 {
				known = append(known, host(byte(1+b)))
			}
			alive := host(100)
			known = append(known, alive)
			n := New(host(200), LAN(), rand.New(rand.NewPCG(seed, 1)))
			asked := false
			for now, acts := t0, n.Step(t0, Start{Known: known}); n.state == joining; acts = n.Step(now, Tick{}) {
				for _, s := range sends(acts) {
					asked = asked || s.To == alive
					if int(s.To.ID[0]) <= refusing {
						n.Step(now, Lost{s.To.ID})
					}
				}
				now = now.Add(5 * time.Millisecond)
			}
			if !asked {
				t.Errorf("%d refuse, seed %d: not asked", refusing, seed)
			}
		}
	}
}

// Many that are found at once are not all knocked at.
func TestKnocksFew(t *testing.T) {
	n := New(host(200), LAN(), rand.New(rand.NewPCG(1, 1)))
	sent := len(sends(n.Step(t0, Start{Known: []overlay.Peer{host(1)}})))
	for b := range byte(60) {
		sent += len(sends(n.Step(t0, Heard{Peers: []overlay.Peer{host(2 + b)}})))
	}
	if sent != firstKnocks {
		t.Errorf("%d knocks", sent)
	}
}

// A node that knocks and knocks, and never makes a ring, keeps nobody out for ever.
func TestOnlyKnocks(t *testing.T) {
	n := New(host(200), LAN(), rand.New(rand.NewPCG(1, 1)))
	n.Step(t0, Start{Known: []overlay.Peer{host(1)}})
	knock := Message{From: host(1), To: []Dest{{ID: id(1).Plus(0), Resource: true}}, TTL: 9, Body: Ping{}}
	for now := t0; !n.Joined(); now = now.Add(50 * time.Millisecond) {
		if now.Sub(t0) > 10*time.Second {
			t.Fatal("not in a ring of its own after ten seconds")
		}
		knock.Tx++
		n.Step(now, Receive{host(1), knock})
		n.Step(now, Tick{})
	}
}
