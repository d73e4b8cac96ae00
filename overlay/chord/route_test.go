package chord

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chordophone/overlay"
)

// member makes a joined node at self in a settled ring of the others.
func member(self byte, others ...byte) *Node {
	n := New(host(self), LAN(), rand.New(rand.NewPCG(1, 1)))
	n.now = t0
	n.state = joined
	slices.SortFunc(others, func(a, b byte) int { return int(a-self) - int(b-self) })
	var list []overlay.Peer
	for _, o := range others {
		list = append(list, host(o))
	}
	if len(list) > 0 {
		n.ring.set(append(list, n.self), true)
		n.ring.pred = list[len(list)-1]
	}
	return n
}

func host(b byte) overlay.Peer {
	return overlay.Peer{ID: id(b), Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, b}), overlay.Port)}
}

func sends(acts []Action) (out []Send) {
	for _, a := range acts {
		if s, ok := a.(Send); ok {
			out = append(out, s)
		}
	}
	return out
}

// RFC 6940, section 6.1.2: "if node D receives a message from node C with Via
// List [A, B], then D would forward to the next node E with Via List [A, B, C].
// Now, if E wants to respond to the message, it reverses the Via List to produce
// the Destination List, resulting in [D, C, B, A]."
func TestViaList(t *testing.T) {
	const a, b, c, d, e = 10, 20, 30, 40, 50
	nodeD, nodeE := member(d, a, b, c, e), member(e, a, b, c, d)
	m := Message{Tx: 1, From: host(a), To: []Dest{{ID: id(45), Resource: true}}, Via: []overlay.ID{id(a), id(b)}, TTL: 9, Body: Ping{}}
	out := sends(nodeD.Step(t0, Receive{host(c), m}))
	// Beside it, D asks E whether it lives.
	if len(out) != 2 || out[0].To != host(e) || !slices.Equal(out[0].Msg.Via, []overlay.ID{id(a), id(b), id(c)}) || out[0].Msg.TTL != 8 {
		t.Fatalf("D sends %+v", out)
	}
	out = sends(nodeE.Step(t0, Receive{host(d), out[0].Msg}))
	if want := []Dest{{ID: id(d)}, {ID: id(c)}, {ID: id(b)}, {ID: id(a)}}; len(out) != 1 || !slices.Equal(out[0].Msg.To, want) {
		t.Fatalf("E sends %+v", out)
	}
	// "When D forwards the response to C, the Destination List will contain
	// [C, B, A]."
	out = sends(nodeD.Step(t0, Receive{host(e), out[0].Msg}))
	if want := []Dest{{ID: id(c)}, {ID: id(b)}, {ID: id(a)}}; len(out) != 1 || out[0].To.ID != id(c) || !slices.Equal(out[0].Msg.To, want) {
		t.Fatalf("D sends back %+v", out)
	}
}

// In a small office a request does not go where it has been: to the neighbour it came
// from, or to one before that.
func TestGoesRound(t *testing.T) {
	const a, b, c, d, e = 10, 20, 30, 40, 50
	for _, tt := range []struct {
		name string
		via  []overlay.ID
		hop  byte
		body Body
		back bool
	}{
		{"new", []overlay.ID{id(a), id(b)}, c, Store{}, false},
		{"to and fro", []overlay.ID{id(a), id(b)}, e, Store{}, true},
		{"round", []overlay.ID{id(e), id(b)}, c, Fetch{}, true},
		{"its maker", nil, e, Ping{}, true},
	} {
		n := member(d, a, b, c, e)
		m := Message{Tx: 1, From: host(a), To: []Dest{{ID: id(45), Resource: true}}, Via: tt.via, TTL: 9, Body: tt.body}
		out := sends(n.Step(t0, Receive{host(tt.hop), m}))
		switch body := out[0].Msg.Body.(type) {
		case Error:
			if !tt.back || body.Code != TTLExceeded || out[0].To.ID != id(tt.hop) {
				t.Errorf("%s: sends %+v", tt.name, out)
			}
		default:
			if tt.back || out[0].To != host(e) {
				t.Errorf("%s: sends %+v", tt.name, out)
			}
		}
	}
}

// RFC 6940, section 6.1.1: "If the entry is a Resource-ID, then it MUST be the
// only entry on the Destination List. If there are other entries, the message
// MUST be silently dropped."
func TestResourceAlone(t *testing.T) {
	n := member(10, 20, 30)
	m := Message{Tx: 1, From: host(20), To: []Dest{{ID: id(5), Resource: true}, {ID: id(30)}}, TTL: 9, Body: Ping{}}
	if acts := n.Step(t0, Receive{host(20), m}); len(acts) != 0 || n.Counters().Bad != 1 {
		t.Errorf("%+v", acts)
	}
}

// A node that has not joined answers nobody: it would lead others astray.
func TestSilentUntilJoined(t *testing.T) {
	n := New(host(10), LAN(), rand.New(rand.NewPCG(1, 1)))
	n.Step(t0, Start{Known: []overlay.Peer{host(20)}})
	for _, b := range []Body{Ping{}, Join{host(20)}, Update{}, Leave{}, Store{}, Fetch{}, Stat{}} {
		for _, to := range []Dest{{ID: id(10)}, {ID: id(5), Resource: true}} {
			m := Message{Tx: n.rng.Uint64(), From: host(20), To: []Dest{to}, TTL: 9, Body: b}
			if acts := n.Step(t0, Receive{host(20), m}); len(acts) != 0 {
				t.Errorf("%T: %+v", b, acts)
			}
		}
	}
}

// In an office where everybody knows everybody a request goes straight to the
// node responsible: the first at or after the key. Suspected nodes are passed
// over.
func TestStraightToOwner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfNDistinct(rapid.ByteRange(0, 200), 2, 20, rapid.ID[byte]).Draw(t, "nodes")
		self := all[0]
		n := member(self, slices.Clone(all[1:])...)
		if len(all) > 3 && rapid.Bool().Draw(t, "suspect") {
			n.suspect(host(all[1]))
			all = slices.Delete(all, 1, 2)
		}
		slices.Sort(all)
		key := rapid.ByteRange(0, 200).Draw(t, "key")
		owner := all[0]
		for _, b := range all {
			if b >= key {
				owner = b
				break
			}
		}
		if got := n.nextHop(id(key)); got.ID != id(owner) {
			t.Errorf("node %d of %v sends %d to %d, not to %d", self, all, key, number(got), owner)
		}
	})
}

// A Store is acknowledged when two others have it, not before, and when one of
// them turns out to be dead the one that is left is enough.
func TestStoreWaits(t *testing.T) {
	n := member(30, 10, 20)
	r := overlay.Record{Resource: id(25), Version: 1, Lifetime: time.Minute}
	kept := func(acts []Action) bool {
		return slices.ContainsFunc(acts, func(a Action) bool { k, ok := a.(Kept); return ok && k.Err == nil })
	}
	acts := slices.Clone(n.Step(t0, Put{1, r}))
	if _, ok := acts[0].(Save); !ok {
		t.Fatalf("first action %T: what is promised must be saved first", acts[0])
	}
	out := sends(acts)
	if len(out) != 2 || kept(acts) {
		t.Fatalf("%+v", acts)
	}
	answer := func(i int) Receive {
		return Receive{out[i].To, Message{Tx: out[i].Msg.Tx, From: out[i].To, To: []Dest{{ID: id(30)}}, TTL: maxTTL, Body: Stored{1}}}
	}
	if kept(n.Step(t0, answer(0))) {
		t.Error("acknowledged with one copy elsewhere")
	}
	if kept(n.Step(t0, answer(0))) {
		t.Error("one copy counted twice")
	}
	n.Step(t0, Lost{out[1].To.ID})
	acts = n.Step(t0, Lost{out[1].To.ID}) // refused: the other way is tried
	for at := t0; !kept(acts); at = n.Next() {
		if at.Sub(t0) > 1200*time.Millisecond {
			t.Fatal("not acknowledged though the other is dead")
		}
		acts = n.Step(at, Tick{})
	}
}

// A node that was held up itself does not suspect the others for it.
func TestStall(t *testing.T) {
	n := member(10, 20)
	out := sends(n.Step(t0, Find{1, id(15)}))
	if len(out) != 1 {
		t.Fatal(out)
	}
	at := t0.Add(5 * time.Second)
	n.Step(at, Tick{})
	if n.suspects != 0 {
		t.Error("suspected after a stall")
	}
	acts := n.Step(at, Receive{host(20), Message{Tx: out[0].Msg.Tx, From: host(20), To: []Dest{{ID: id(10)}}, TTL: maxTTL, Body: Pong{}}})
	if f, ok := acts[0].(Found); !ok || f.Peer.ID != id(20) || len(f.Path) != 1 {
		t.Errorf("%+v", acts)
	}
}
