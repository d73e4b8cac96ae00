package link

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// pair is two links that do not run: what one seals the other opens.
type pair struct{ a, b *Link }

func newPair(t testing.TB) (p pair, a, b *phone) {
	o := newOffice(t, "office.example")
	a, b = o.phone(node(1)), o.phone(node(2))
	for _, e := range []struct {
		l **Link
		p *phone
	}{{&p.a, a}, {&p.b, b}} {
		l, err := Listen(e.p.config())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		*e.l = l
	}
	return p, a, b
}

// carry sends a message from a to b without a connection.
func (p pair) carry(m chord.Message, sent, kept *keeper) (chord.Message, error) {
	o, err := p.a.seal(p.b.Self(), m)
	if err != nil {
		return chord.Message{}, err
	}
	o.trusting = false // nobody would send it again
	wire, err := p.a.finish(o, p.b.Self().ID, sent)
	if err != nil {
		return chord.Message{}, err
	}
	got, _, err := p.b.open(wire, p.a.Self(), netip.MustParseAddr("127.0.0.1"), kept)
	if err != nil {
		return chord.Message{}, err
	}
	return got.msg, nil
}

// bodies has every Body of chord, most of them empty as well as full.
func bodies(a, b *phone, joining overlay.Peer) []chord.Body {
	v4 := overlay.Peer{ID: node(3), Addr: netip.MustParseAddrPort("192.0.2.1:6084")}
	v6 := overlay.Peer{ID: node(4), Addr: netip.MustParseAddrPort("[2001:db8::1]:6084")}
	table := chord.Table{Pred: []overlay.Peer{v4}, Succ: []overlay.Peer{v6, {ID: node(5)}, {ID: b.id}}}
	registration := a.record(node(8), overlay.SIPRegistration, "sip")
	removed := b.record(node(8), overlay.SIPRegistration, "")
	member := b.record(node(8), overlay.OfficeMember, "chain")
	elsewhere := a.record(node(9), overlay.OfficeMember, "chain")
	return []chord.Body{
		chord.Ping{}, chord.Ping{Seen: 1 << 63},
		chord.Pong{}, chord.Pong{Same: true}, chord.Pong{Table: table},
		chord.Join{Joining: joining},
		chord.Joined{}, chord.Joined{Table: table},
		chord.Update{}, chord.Update{Table: table},
		chord.Leave{}, chord.Leave{Table: table}, chord.Leave{Table: chord.Table{Pred: []overlay.Peer{v4}}},
		chord.Store{}, chord.Store{Replica: 3, Records: []overlay.Record{registration, removed, member, elsewhere}},
		chord.Fetch{Resource: node(8)}, chord.Fetch{Resource: node(8), Kinds: []overlay.Kind{overlay.SIPRegistration, overlay.OfficeMember}},
		chord.Stat{After: node(1), Upto: node(9)}, chord.Stat{After: node(1), Upto: node(9), Seen: 1},
		chord.Ack{Of: chord.AckUpdate}, chord.Ack{Of: chord.AckLeave},
		chord.Stored{Copies: 12},
		chord.Fetch{Resource: node(8), Seen: 5}, chord.Fetched{Same: true},
		chord.Fetched{}, chord.Fetched{Records: []overlay.Record{registration, removed, member}},
		chord.Versions{}, chord.Versions{Same: true}, chord.Versions{Held: []chord.Held{{Slot: registration.Slot(), Version: 5, Sum: 1 << 63}, {Slot: elsewhere.Slot(), Version: 1 << 60}}},
		chord.Error{Code: chord.DataTooOld, Info: "18446744073709551615"}, chord.Error{Code: chord.NotFound},
	}
}

func TestMapping(t *testing.T) {
	t.Parallel()
	p, a, b := newPair(t)
	seen := make(map[reflect.Type]bool)
	for _, body := range bodies(a, b, p.a.Self()) {
		seen[reflect.TypeOf(body)] = true
		for _, m := range []chord.Message{
			{To: []chord.Dest{{ID: b.id}}, TTL: 100},
			{To: []chord.Dest{{ID: node(6)}, {ID: node(7), Resource: true}}, Via: []overlay.ID{node(4), node(5)}, TTL: 1},
		} {
			m.Tx, m.From, m.Body = 1<<63|5, p.a.Self(), body
			got, err := p.carry(m, new(keeper), new(keeper))
			if err != nil {
				t.Errorf("%T: %v", body, err)
				continue
			}
			if len(got.Raw) == 0 {
				t.Errorf("%T: nothing to forward", body)
			}
			got.Raw = nil
			if diff := cmp.Diff(m, got, equate); diff != "" {
				t.Errorf("%T (-sent +received):\n%s", body, diff)
			}
		}
	}
	// An Error and the thirteen of chord/message.go: whoever adds one adds it here.
	if len(seen) != 14 {
		t.Errorf("%d types of body", len(seen))
	}
}

// TestStandardNeighbours: a node that knows nothing of our extensions gets the
// same neighbours, without their addresses.
func TestStandardNeighbours(t *testing.T) {
	table := chord.Table{Pred: []overlay.Peer{{ID: node(3)}}, Succ: []overlay.Peer{{ID: node(4)}, {ID: node(2)}}}
	maker := overlay.Peer{ID: node(1)}
	for _, tt := range []struct {
		to         overlay.ID
		body, want chord.Body
	}{
		{node(2), chord.Update{Table: table}, chord.Update{Table: table}},
		{node(3), chord.Leave{Table: table}, chord.Leave{Table: chord.Table{Succ: table.Succ}}},
		{node(2), chord.Leave{Table: table}, chord.Leave{Table: chord.Table{Pred: table.Pred}}},
	} {
		c, _, err := contentsOf(chord.Message{From: maker, Body: tt.body}, tt.to, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		c.Extensions = nil
		got, err := decoder{maker: maker}.body(c)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got, equate); diff != "" {
			t.Errorf("%T to %s:\n%s", tt.body, tt.to.Short(), diff)
		}
	}
}

// TestUnspecified: a node that listens at all its addresses is reached at the one
// its connection comes from.
func TestUnspecified(t *testing.T) {
	p, a, _ := newPair(t)
	p.a.cfg.Self.Addr = netip.MustParseAddrPort("0.0.0.0:6084")
	m := chord.Message{From: p.a.Self(), To: []chord.Dest{{ID: node(2)}}, Body: chord.Join{Joining: p.a.Self()}}
	got, err := p.carry(m, new(keeper), new(keeper))
	if err != nil {
		t.Fatal(err)
	}
	want := overlay.Peer{ID: a.id, Addr: netip.MustParseAddrPort("127.0.0.1:6084")}
	if got.From != want || got.Body != (chord.Join{Joining: want}) {
		t.Errorf("%v joins as %v, want %v", got.From, got.Body, want)
	}
}

func TestRefusedContents(t *testing.T) {
	for _, tt := range []struct {
		name string
		body reload.Body
		ext  []reload.Extension
	}{
		{"neighbours cut short", reload.JoinAns{}, []reload.Extension{{Type: reload.ExtNeighbours, Value: []byte{0}}}},
		{"leave for another", reload.LeaveReq{Leaving: node(9), Type: reload.FromPred}, nil},
		{"stat of a resource", reload.StatReq{Resource: make([]byte, 16)}, nil},
		{"stat answer of a resource", reload.StatAns{}, nil},
		{"fetch from a long resource", reload.FetchReq{Resource: make([]byte, 20)}, nil},
		{"store at a short resource", reload.StoreReq{Resource: make([]byte, 3)}, nil},
		{"values of nowhere", reload.FetchAns{Kinds: []reload.KindData{{Kind: reload.KindPrivate}}}, nil},
		{"array", reload.StoreReq{Resource: make([]byte, 16), Kinds: []reload.KindData{{Kind: reload.KindCertificateByNode}}}, nil},
		{"method not spoken", reload.ProbeReq{}, nil},
	} {
		c, err := reload.MakeContents(tt.body, tt.ext...)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := (decoder{maker: overlay.Peer{ID: node(1)}, bag: &bag{cabinet: new(cabinet)}}).body(c); err == nil {
			t.Errorf("%s: taken for %#v", tt.name, body)
		}
	}
}

// BenchmarkSealOpen is a message from one state machine to the other: made,
// signed, parsed, verified.
func BenchmarkSealOpen(b *testing.B) {
	p, a, peer := newPair(b)
	table := chord.Table{Pred: []overlay.Peer{p.a.Self()}, Succ: make([]overlay.Peer, 20)}
	for i := range table.Succ {
		table.Succ[i] = overlay.Peer{ID: node(byte(i + 1)), Addr: p.b.Self().Addr}
	}
	record := a.record(node(8), overlay.SIPRegistration, "sip")
	for _, bench := range []struct {
		name string
		body chord.Body
	}{
		{"ping", chord.Ping{}}, {"pong", chord.Pong{Table: table}}, {"update", chord.Update{Table: table}},
		{"store", chord.Store{Records: []overlay.Record{record}}}, {"fetched", chord.Fetched{Records: []overlay.Record{record}}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			m := chord.Message{From: p.a.Self(), To: []chord.Dest{{ID: peer.id}}, TTL: 100, Body: bench.body}
			var sent, kept keeper
			b.ReportAllocs()
			for b.Loop() {
				m.Tx++
				if _, err := p.carry(m, &sent, &kept); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// FuzzContents: whatever a member says is understood or refused.
func FuzzContents(f *testing.F) {
	o := newOffice(f, "office.example")
	a, b := o.phone(node(1)), o.phone(node(2))
	maker := overlay.Peer{ID: a.id}
	seed := &bag{nodeOf: nodeOf, cabinet: new(cabinet), missing: errNoCertificate}
	for _, body := range bodies(a, b, maker) {
		c, certs, err := contentsOf(chord.Message{From: maker, Body: body}, b.id, 0)
		if err != nil {
			f.Fatal(err)
		}
		for _, der := range certs.signers {
			if err := seed.fill([]reload.Certificate{{Data: der}}); err != nil {
				f.Fatal(err)
			}
		}
		octets, err := c.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(octets)
	}
	end, err := reload.Security{Signature: reload.Signature{Signer: reload.Identity{Type: reload.NoIdentity}}}.Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		c, _, _, err := reload.ParsePayload(append(octets, end...))
		if err != nil {
			return
		}
		bag := &bag{nodeOf: nodeOf, cabinet: seed.cabinet, missing: errNoCertificate, certs: slices.Clip(seed.certs)}
		body, err := decoder{maker, bag}.body(c)
		if err != nil {
			return
		}
		if _, _, err := contentsOf(chord.Message{From: maker, Body: body}, b.id, 0); err != nil {
			t.Fatalf("%#v cannot be said again: %v", body, err)
		}
	})
}
