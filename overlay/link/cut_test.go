package link

import (
	"crypto/tls"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// TestCut: the connection of a node that is cut off ends at once, in whatever
// direction it was made; it gets none anew, and nobody may bring its messages;
// until it is let in again.
func TestCut(t *testing.T) {
	o := newOffice(t, "office.example")
	a, b, x := run(t, o.phone(node(1))), run(t, o.phone(node(2))), run(t, o.phone(node(9)))
	for _, r := range []*running{a, b} {
		x.Send(r.Self(), x.to(r.id, chord.Ping{}))
		r.receive()
	}
	b.Send(a.Self(), b.to(a.id, chord.Ping{}))
	a.receive()
	m := x.to(a.id, chord.Ping{})
	x.Send(b.Self(), m) // by way of b
	brought := b.receive().Msg

	a.Cut(x.id)
	a.lost(x.id)
	x.lost(a.id)
	if n := a.Stats().Conns; n != 1 {
		t.Errorf("%d connections, want that to b only", n)
	}
	x.Send(a.Self(), x.to(a.id, chord.Ping{}))
	x.lost(a.id)
	a.Send(x.Self(), a.to(x.id, chord.Ping{}))
	a.lost(x.id)
	b.Send(a.Self(), brought)
	a.eventually("drops", func() bool { return a.Stats().Dropped[CutOff.String()] >= 4 })
	if s := a.Stats(); s.Conns != 1 || s.MessagesIn != 3 {
		t.Errorf("%+v", s)
	}

	a.Cut(node(8)) // replaces the set
	x.Send(a.Self(), x.to(a.id, chord.Ping{}))
	if got := a.receive(); got.From.ID != x.id {
		t.Errorf("from %v", got.From)
	}
}

// TestCutEnrolled: Cut also ends the connections of those whose certificates are
// good no longer because of who has enrolled them.
func TestCutEnrolled(t *testing.T) {
	o := newOffice(t, "office.example")
	var revoked atomic.Bool
	a := run(t, o.phone(node(1)), func(c *Config) {
		c.ServerTLS = c.ServerTLS.Clone()
		good := c.ServerTLS.VerifyConnection
		c.ServerTLS.VerifyConnection = func(cs tls.ConnectionState) error {
			if id, _ := nodeOf(cs); revoked.Load() && slices.Contains([]overlay.ID{node(7)}, id) {
				return errors.New("enrolled by a stolen phone")
			}
			return good(cs)
		}
	})
	b, x := run(t, o.phone(node(2))), run(t, o.phone(node(7)))
	a.Send(x.Self(), a.to(x.id, chord.Ping{}))
	x.receive()
	b.Send(a.Self(), b.to(a.id, chord.Ping{}))
	a.receive()
	revoked.Store(true)
	a.Cut(node(6))
	a.lost(x.id)
	if n := a.Stats().Conns; n != 1 {
		t.Errorf("%d connections", n)
	}
}
