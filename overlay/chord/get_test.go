package chord

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"chordophone/overlay"
)

// The owner dies when it has acknowledged a record, which two others have by then. The node
// after it is not one of them, and says that there is nothing: the others are asked, too.
// When no neighbour has changed lately its word is enough.
func TestNothingIsNotOneWord(t *testing.T) {
	mesh := []overlay.Peer{host(20), host(30), host(40), host(50), host(60)}
	record := overlay.Record{Resource: id(15), Kind: overlay.SIPRegistration, Version: 1, Lifetime: time.Minute}
	for _, c := range []struct {
		holder byte // 0: nobody
		calm   bool
		asked  int // besides the first
		found  int
	}{{holder: 50, asked: 3, found: 1}, {asked: 3}, {holder: 50, calm: true}} {
		n := New(host(10), LAN(), rand.New(rand.NewPCG(1, 1)))
		n.Place(t0, []overlay.Peer{host(60), host(50), host(40), host(30), host(20)}, mesh, true, nil)
		now := t0
		n.Step(now, Lost{id(20)})
		if c.calm {
			n.Step(now, Receive{host(20), Message{From: host(20), To: []Dest{{ID: id(10)}}, TTL: 9, Body: Ack{}}})
			n.changedAt = now.Add(-doubt)
		}
		asks := sends(n.Step(now, Get{1, id(15), nil}))
		if len(asks) != 1 {
			t.Fatalf("%+v", asks)
		}
		acts := slices.Clone(n.Step(now, from(asks[0].To.ID[0]-1, asks[0], Fetched{})))
		asks = sends(acts)
		if len(asks) != c.asked {
			t.Errorf("%+v: asks %+v", c, asks)
		}
		for _, q := range asks {
			answer := Fetched{}
			if q.To == host(c.holder) {
				answer.Records = []overlay.Record{record}
			}
			acts = append(acts, n.Step(now, from(q.To.ID[0]-1, q, answer))...)
		}
		var got []Got
		for _, a := range acts {
			if g, ok := a.(Got); ok {
				got = append(got, g)
			}
		}
		if len(got) != 1 || got[0].Err != nil || len(got[0].Records) != c.found {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}
