package link

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// TestKeepers: the second message leaves the certificates out, whether it goes
// further or not, and one that is missing is told apart.
func TestKeepers(t *testing.T) {
	p, a, _ := newPair(t)
	var sent, kept keeper
	m := chord.Message{From: p.a.Self(), To: []chord.Dest{{ID: node(2)}}, Body: chord.Ping{}}
	var sizes []int
	for _, resource := range []bool{false, false, true} {
		m.Tx++
		m.To[0].Resource = resource
		got, err := p.carry(m, &sent, &kept)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(got.Raw))
	}
	if len(sent.sums) != len(a.chain) || len(kept.certs) != len(a.chain) {
		t.Errorf("%d sent and %d kept of %d certificates", len(sent.sums), len(kept.certs), len(a.chain))
	}
	if certs := len(a.chain[0]); sizes[1] > sizes[0]-certs {
		t.Errorf("messages of %d octets, then %d", sizes[0], sizes[1])
	}
	if sizes[2] < sizes[0]-10 { // the signature varies by some octets
		t.Errorf("what may go further has %d octets, complete were %d", sizes[2], sizes[0])
	}
	p.b.cabinet = cabinet{}
	for _, resource := range []bool{false, true} {
		m.Tx++
		m.To[0].Resource = resource
		if _, err := p.carry(m, &sent, new(keeper)); !errors.Is(err, errKeepers) {
			t.Errorf("%v, want %v", err, errKeepers)
		}
	}
	for i := range 3 * maxKept {
		kept.keep([32]byte{byte(i), 1}, &certificate{})
	}
	if len(kept.certs) != maxKept {
		t.Errorf("%d certificates kept", len(kept.certs))
	}
}

// TestTrust: the certificates of another's record are left out of a Store and of
// an answer to Fetch. Who does not know them says so and gets them; and once only.
func TestTrust(t *testing.T) {
	for _, body := range []func(r ...overlay.Record) chord.Body{
		func(r ...overlay.Record) chord.Body { return chord.Store{Replica: 1, Records: r} },
		func(r ...overlay.Record) chord.Body { return chord.Fetched{Records: r} },
	} {
		testTrust(t, body)
	}
}

func testTrust(t *testing.T, body func(r ...overlay.Record) chord.Body) {
	o := newOffice(t, "office.example")
	a, b, other := run(t, o.phone(node(1))), run(t, o.phone(node(2))), o.phone(node(3))
	var octets []uint64
	for i := range 3 {
		rec := other.record(node(8), overlay.SIPRegistration, fmt.Sprint("value ", i))
		before := a.Stats()
		a.Send(b.Self(), a.to(b.id, body(rec)))
		if diff := cmp.Diff(body(rec), b.receive().Msg.Body); diff != "" {
			t.Error(diff)
		}
		a.eventually("ACK", func() bool { return !a.busy() })
		after := a.Stats()
		octets = append(octets, after.BytesOut-before.BytesOut)
		want := uint64(1)
		if i == 0 {
			want = 2
		}
		if sent := after.MessagesOut - before.MessagesOut; sent != want {
			t.Errorf("%T %d took %d messages, want %d", body(), i, sent, want)
		}
	}
	if d := b.Stats().Dropped; len(d) != 0 {
		t.Errorf("dropped %v", d)
	}
	if octets[2] > octets[0]/3 {
		t.Errorf("octets of the Stores: %v", octets)
	}
	// An answer to nobody's question changes nothing.
	e := chord.Error{Code: certificateUnknown}
	b.Send(a.Self(), b.to(a.id, e))
	if got := a.receive().Msg.Body; got != e {
		t.Errorf("%+v", got)
	}
}
