package chord

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"chordophone/overlay"
)

// spread makes a joined node in a large ring of evenly spread nodes, of which it
// knows four behind it, four before it, and one across: the mean distance of two
// nodes is 2 at the first octet.
func spread() *Node {
	cfg := LAN()
	cfg.Successors, cfg.Mesh = 4, 4
	n := New(host(10), cfg, rand.New(rand.NewPCG(1, 1)))
	n.Place(t0, []overlay.Peer{host(8), host(6), host(4), host(2)}, []overlay.Peer{host(12), host(14), host(16), host(18)}, false,
		[]overlay.Peer{host(140), host(80)})
	return n
}

func from(b byte, q Send, body Body) Receive {
	return Receive{q.To, Message{Tx: q.Msg.Tx, From: host(b), To: []Dest{{ID: id(10)}}, TTL: maxTTL, Body: body}}
}

// A request that is not answered soon goes another way, and the first answer
// counts.
func TestAnotherWay(t *testing.T) {
	n := spread()
	first := sends(n.Step(t0, Find{1, id(201)}))
	if len(first) != 1 || first[0].To != host(140) {
		t.Fatalf("%+v", first)
	}
	second := slices.DeleteFunc(sends(n.Step(t0.Add(n.cfg.RequestTimeout/2), Tick{})), func(s Send) bool {
		return !s.Msg.To[0].Resource // whether the first lives is asked, too
	})
	if len(second) == 0 || second[0].To == first[0].To || second[0].Msg.To[0] != first[0].Msg.To[0] {
		t.Fatalf("%+v", second)
	}
	acts := n.Step(t0.Add(n.cfg.RequestTimeout/2), from(202, second[0], Pong{}))
	if f, ok := acts[len(acts)-1].(Found); !ok || f.Peer.ID != id(202) {
		t.Fatalf("%+v", acts)
	}
	if acts := n.Step(t0.Add(n.cfg.RequestTimeout/2), from(202, first[0], Pong{})); len(acts) != 0 {
		t.Errorf("answered twice: %+v", acts)
	}
}

// A node that claims a key far before it is not believed. Of those that are a
// little far, three that all are the same one are; when they are not, the nearest
// is when there is nobody left to ask.
func TestImplausible(t *testing.T) {
	for _, c := range []struct {
		by   []byte
		want byte
	}{
		{[]byte{158, 158, 158}, 158},
		{[]byte{165, 158, 170, 170, 170}, 158},
	} {
		n := spread()
		q := sends(n.Step(t0, Find{1, id(150)}))
		acts := n.Step(t0, from(140, q[0], Pong{})) // all the circle after it
		if n.Counters().Implausible != 1 {
			t.Fatalf("%+v", acts)
		}
		for _, b := range c.by {
			if q = sends(acts); len(q) != 1 {
				t.Fatalf("asks %+v", acts)
			}
			acts = n.Step(t0, from(b, q[0], Pong{}))
		}
		if f, ok := acts[len(acts)-1].(Found); !ok || f.Peer.ID != id(c.want) {
			t.Fatalf("%+v", acts)
		}
	}
}

// A node that is behind a gap as wide as hardly any is believed when eight ways lead to
// it and none to another node. A node that one way names otherwise is not, nor one that
// few ways lead to.
func TestGap(t *testing.T) {
	for _, c := range []struct {
		fingers []byte
		odd     byte // what the fifth way leads to
		found   bool
	}{
		{[]byte{140, 80, 60, 50, 40, 30}, 190, true},
		{[]byte{140, 80, 60, 50, 40, 30}, 200, false},
		{[]byte{140, 80}, 190, false},
	} {
		n := spread()
		n.fingers = nil
		for _, b := range c.fingers {
			n.fingers = append(n.fingers, host(b))
		}
		acts, found, ways := n.Step(t0, Find{1, id(150)}), false, 0
		for q := sends(acts); len(q) > 0; q = sends(acts) {
			by := byte(190)
			if ways++; ways == 5 {
				by = c.odd
			}
			acts = n.Step(t0, from(by, q[0], Pong{}))
			for _, a := range acts {
				f, ok := a.(Found)
				found = found || ok && f.Peer.ID == id(190)
			}
		}
		if want := len(c.fingers) + 4; ways != want || found != c.found {
			t.Errorf("%+v: %d ways, found: %v", c, ways, found)
		}
	}
}

// A successor that leaves out most of those that this node knows, or brings many
// that never said a word, is not believed before those were asked. One that
// leaves out two of them, or brings two, is.
func TestBelieved(t *testing.T) {
	for _, c := range []struct {
		list     []overlay.Peer
		believed bool
	}{
		{[]overlay.Peer{host(14), host(16), host(18), host(20)}, true},
		{[]overlay.Peer{host(16), host(18), host(20), host(22)}, true},
		{[]overlay.Peer{host(13), host(14), host(16), host(18)}, true},
		{[]overlay.Peer{host(80), host(90), host(95), host(99)}, false},
		{[]overlay.Peer{host(14)}, true}, // its own list is being mended
		{[]overlay.Peer{}, false},        // "there are but the two of us"
		{[]overlay.Peer{host(13), host(15), host(17), host(18)}, false},
	} {
		n := spread()
		got := n.believed(host(12), c.list)
		if b := n.Counters().Disbelieved == 0; b != c.believed {
			t.Errorf("%v believed: %v", c.list, b)
		}
		if !c.believed && len(got) != 3 {
			t.Errorf("%v: got %v", c.list, got)
		}
		if asks := len(sends(n.acts)); (asks == 0) != c.believed {
			t.Errorf("%v: %d asked", c.list, asks)
		}
	}
}

// What a predecessor tells of nodes between it and this one is not believed: they
// would make this node's arc smaller than it is.
func TestNobodyBetween(t *testing.T) {
	n := spread()
	n.Step(t0, Receive{host(8), Message{Tx: 1, From: host(8), To: []Dest{{ID: id(10)}}, TTL: 9,
		Body: Update{Table{Pred: []overlay.Peer{host(9), host(6)}, Succ: []overlay.Peer{host(10)}}}}})
	if p, _ := n.predecessor(); p.ID != id(8) {
		t.Errorf("predecessor %s", p.ID.Short())
	}
}

// A finger stays when looking it up anew leads to a node outside its stretch.
func TestFingerStays(t *testing.T) {
	n := spread()
	for {
		n.acts = nil
		n.findFinger(0) // a random point of half the circle
		q := sends(n.acts)
		if q[0].Msg.To[0].ID[0] < 240 {
			continue
		}
		for range opinions {
			acts := n.Step(t0, from(11, q[0], Pong{Table: Table{Addr: host(11).Addr}}))
			if q = sends(acts); len(q) == 0 {
				break
			}
		}
		break
	}
	if n.fingers[0] != host(140) || n.Counters().Implausible != 0 {
		t.Errorf("finger is %v", n.fingers[0])
	}
}

// In a large ring a Get asks four holders, by routing to points behind the
// resource: one for the records, three for their versions. What they agree on is
// the answer; when they do not, all holders are asked for the records, and the
// newest is. That there is nothing is the answer only when all say so.
func TestGetAround(t *testing.T) {
	record := func(v overlay.Version) []overlay.Record {
		if v == 0 {
			return nil
		}
		return []overlay.Record{{Resource: id(150), Kind: overlay.SIPRegistration, Version: v, Lifetime: time.Minute}}
	}
	for _, c := range []struct {
		votes []overlay.Version // the first by the owner; 0: nothing
		all   []overlay.Version // and when all are asked; nil: they are not
		want  overlay.Version
	}{
		{votes: []overlay.Version{2, 2, 2, 2}, want: 2},
		{votes: []overlay.Version{1, 1, 2, 1}, all: []overlay.Version{1, 2, 1, 1, 1, 1, 1, 0, 0, 1}, want: 2},
		{votes: []overlay.Version{1, 1, 1, 0}, all: []overlay.Version{1, 1, 1, 1, 1, 1, 1, 0, 0, 3}, want: 3},
		{votes: []overlay.Version{0, 0, 0, 0}, all: []overlay.Version{0, 0, 0, 0, 1, 0, 0, 0, 0, 0}, want: 1},
		{votes: []overlay.Version{0, 0, 0, 0}, all: make([]overlay.Version, 10), want: 0},
	} {
		n := spread()
		q := sends(n.Step(t0, Get{1, id(150), []overlay.Kind{overlay.SIPRegistration}}))
		if len(q) != voters {
			t.Fatalf("%d asked", len(q))
		}
		answer := func(q Send, v overlay.Version) []Action {
			by := number(overlay.Peer{ID: q.Msg.To[0].ID}) + 2
			switch b := q.Msg.Body.(type) {
			case Fetch:
				return n.Step(t0, from(by, q, Fetched{Records: record(v)}))
			case Stat:
				if before := (overlay.ID{}).Plus(0).Distance(id(150)); b.Upto != id(150) || b.After != before {
					t.Fatalf("%+v", b)
				}
				var held []Held
				for _, r := range record(v) {
					held = append(held, HeldOf(r))
				}
				return n.Step(t0, from(by, q, Versions{Held: held}))
			}
			t.Fatalf("%+v", q)
			return nil
		}
		var acts []Action
		for i, v := range c.votes {
			acts = answer(q[i], v)
		}
		if c.all != nil {
			if q = sends(acts); len(q) != len(c.all) {
				t.Fatalf("then %d asked", len(q))
			}
			for i, v := range c.all {
				acts = answer(q[i], v)
			}
		}
		g, ok := acts[len(acts)-1].(Got)
		if !ok || len(g.Records) != len(record(c.want)) || c.want != 0 && g.Records[0].Version != c.want {
			t.Fatalf("%+v: %+v", c, acts)
		}
	}
}
