package chord

import (
	"math/rand/v2"
	"testing"
	"time"

	"chordophone/overlay"
)

// TestGarbage: no message, however senseless, makes a node panic, remember
// without bound, or send without end.
func TestGarbage(t *testing.T) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 1))
		self := overlay.Peer{ID: id(7)}
		n := New(self, LAN(), rand.New(rand.NewPCG(seed, 2)))
		now := t0
		n.Step(now, Start{})
		someone := func() overlay.Peer { return overlay.Peer{ID: id(byte(rng.IntN(200)))} }
		list := func() (l []overlay.Peer) {
			for range rng.IntN(300) {
				l = append(l, someone())
			}
			return l
		}
		table := func() Table { return Table{Pred: list(), Succ: list()} }
		records := func() (l []overlay.Record) {
			for range rng.IntN(20) {
				l = append(l, overlay.Record{Resource: someone().ID, Key: []byte{byte(rng.IntN(256))}, Owner: someone().ID,
					Version: overlay.Version(rng.Uint64()), Lifetime: time.Duration(rng.Int64N(int64(time.Minute))) - time.Second,
					Value: make([]byte, rng.IntN(5000))})
			}
			return l
		}
		var sent []Message
		for range 1000 {
			bodies := []Body{Ping{rng.Uint64() >> rng.IntN(65)}, Pong{table(), rng.IntN(4) == 0}, Join{someone()}, Joined{table()}, Update{table()}, Leave{table()}, Ack{},
				Store{byte(rng.IntN(3)), records()}, Stored{byte(rng.IntN(3))}, Fetch{someone().ID, []overlay.Kind{0}, rng.Uint64() >> rng.IntN(65)},
				Fetched{records(), rng.IntN(4) == 0}, Stat{someone().ID, someone().ID, rng.Uint64() >> rng.IntN(65)}, Versions{[]Held{{overlay.Slot{Resource: someone().ID}, 9, 1}}, rng.IntN(4) == 0},
				Error{Code: Code(rng.IntN(20)), Info: "x"}, nil}
			m := Message{Tx: rng.Uint64(), From: someone(), TTL: byte(rng.IntN(40)), Body: bodies[rng.IntN(len(bodies))]}
			for range rng.IntN(4) {
				m.To = append(m.To, Dest{someone().ID, rng.IntN(2) == 0})
			}
			if rng.IntN(2) == 0 {
				m.To = []Dest{{ID: self.ID}}
			}
			hop := someone()
			if rng.IntN(2) == 0 {
				hop = m.From
			}
			if len(sent) > 0 && rng.IntN(2) == 0 { // as an answer to something
				q := sent[rng.IntN(len(sent))]
				m.Tx, m.To = q.Tx, []Dest{{ID: self.ID}}
			}
			var ev Event = Receive{hop, m}
			switch rng.IntN(10) {
			case 0:
				ev = Lost{hop.ID}
			case 1:
				ev = Tick{}
				now = now.Add(time.Duration(rng.Int64N(int64(time.Second))))
			case 2:
				ev = Get{1, someone().ID, []overlay.Kind{0}}
			case 3:
				ev = Put{1, overlay.Record{Resource: someone().ID, Lifetime: time.Minute}}
			}
			acts := n.Step(now, ev)
			if len(acts) > 1000 {
				t.Fatalf("%d actions after %T", len(acts), ev)
			}
			for _, a := range acts {
				if s, ok := a.(Send); ok {
					sent = append(sent[max(0, len(sent)-50):], s.Msg)
				}
			}
		}
		if len(n.calls) > maxCalls || len(n.contacts) > maxContacts || len(n.known) > maxKnown ||
			len(n.forwarded) > maxForwarded || len(n.recent) > maxRecent || n.ops > maxOps || n.suspects < 0 {
			t.Errorf("unbounded: %d calls, %d contacts, %d known, %d forwarded, %d recent, %d ops, %d suspects",
				len(n.calls), len(n.contacts), len(n.known), len(n.forwarded), len(n.recent), n.ops, n.suspects)
		}
		suspects := 0
		for _, c := range n.contacts {
			if c.suspect != nil {
				suspects++
			}
		}
		if suspects != n.suspects {
			t.Errorf("%d suspects, counted %d", suspects, n.suspects)
		}
	}
}
