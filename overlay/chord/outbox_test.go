package chord

import (
	"math/rand/v2"
	"testing"
	"time"

	"chordophone/overlay"
)

// mesh makes a node that knows n others and is responsible for everything up to
// its own place: they stand right behind it.
func mesh(n int) *Node {
	node := New(host(200), LAN(), rand.New(rand.NewPCG(1, 1)))
	var after []overlay.Peer
	for i := range n {
		after = append(after, host(byte(201+i)))
	}
	before := []overlay.Peer{after[n-1]}
	node.Place(t0, before, after, true, nil)
	return node
}

func stores(acts []Action) (out []Send) {
	for _, s := range sends(acts) {
		if _, ok := s.Msg.Body.(Store); ok {
			out = append(out, s)
		}
	}
	return out
}

// A record goes at once to as many as hold copies in a large ring, and to the
// others within a second, with what else goes there.
func TestCopies(t *testing.T) {
	n := mesh(19)
	put := func(b byte, at time.Time) []Send {
		return stores(n.Step(at, Put{uint64(b), overlay.Record{Resource: id(b), Version: 1, Lifetime: time.Hour}}))
	}
	prompt := n.cfg.Copies - 1
	if got := put(1, t0); len(got) != prompt {
		t.Fatalf("%d Stores at once, want %d", len(got), prompt)
	}
	if got := put(2, t0.Add(copyDelay/2)); len(got) != prompt {
		t.Fatalf("%d Stores at once, want %d", len(got), prompt)
	}
	if got := put(3, t0.Add(copyDelay/2)); len(got) != 0 {
		t.Fatalf("%d more while two are under way to each", len(got))
	}
	late := stores(n.Step(t0.Add(copyDelay), Tick{}))
	if len(late) < 19-prompt {
		t.Fatalf("%d Stores later", len(late))
	}
	for _, s := range late {
		if r := s.Msg.Body.(Store).Records; s.To.ID == host(219).ID && len(r) != 3 {
			t.Errorf("the last one gets %d records", len(r))
		}
	}
}

// Of records that were refused together each is tried by itself.
func TestRefusedTogether(t *testing.T) {
	n := mesh(5)
	var got []Action
	var first []Send
	for b := range byte(5) { // the first node behind this one owns them
		first = append(first, stores(n.Step(t0, Put{uint64(b), overlay.Record{Resource: id(201), Key: []byte{b}, Version: 1, Lifetime: time.Hour}}))...)
	}
	if len(first) != maxOpen {
		t.Fatalf("%d Stores", len(first))
	}
	answer := func(q Send, b Body) []Send {
		acts := n.Step(t0, Receive{q.To, Message{Tx: q.Msg.Tx, From: q.To, To: []Dest{{ID: n.self.ID}}, TTL: maxTTL, Body: b}})
		got = append(got, acts...)
		return stores(acts)
	}
	together := answer(first[0], Stored{Copies: 3})
	if len(together) != 1 || len(together[0].Msg.Body.(Store).Records) != 3 {
		t.Fatalf("then %+v", together)
	}
	answer(first[1], Stored{Copies: 3})
	alone := answer(together[0], Error{Code: DataTooOld, Info: "7"})
	answers := []Body{Stored{Copies: 3}, Error{Code: DataTooOld, Info: "7"}, Stored{Copies: 3}}
	for i := 0; i < len(alone) && i < 3; i++ {
		if r := alone[i].Msg.Body.(Store).Records; len(r) != 1 {
			t.Fatalf("%d records again", len(r))
		}
		alone = append(alone, answer(alone[i], answers[i])...)
	}
	kept, old := 0, 0
	for _, a := range got {
		if k, ok := a.(Kept); ok && k.Err == nil {
			kept++
		} else if ok && k.Err == ErrTooOld && k.Newer == 7 {
			old++
		}
	}
	if kept != 4 || old != 1 {
		t.Errorf("%d kept, %d too old", kept, old)
	}
}

// One writer's records are bounded, whoever wrote the version before.
func TestPerOwner(t *testing.T) {
	n := mesh(3)
	n.cfg.MaxPerOwner = 2
	store := func(key byte, v overlay.Version, owner byte) fate {
		return n.keep(overlay.Record{Resource: id(9), Key: []byte{key}, Version: v, Lifetime: time.Hour, Owner: id(owner)})
	}
	for i, c := range []struct {
		key   byte
		v     overlay.Version
		owner byte
		want  fate
	}{
		{1, 1, 1, saved}, {2, 1, 1, saved}, {3, 1, 1, older}, // a third
		{3, 1, 2, saved}, {3, 2, 1, older}, // a third, taken over
		{1, 2, 2, saved}, // one of another
		{3, 3, 1, saved}, // which leaves room
	} {
		if got := store(c.key, c.v, c.owner); got != c.want {
			t.Errorf("%d: %v, want %v", i, got, c.want)
		}
	}
}
