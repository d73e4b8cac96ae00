package link

import (
	"crypto/tls"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// TestShutOut: who dials a member that refuses its certificate is told by whom. It is
// not told so of a member that it refuses itself, or that cannot be reached.
func TestShutOut(t *testing.T) {
	o := newOffice(t, "office.example")
	var told, others atomic.Int32
	a := run(t, o.phone(node(1)), func(c *Config) {
		c.ServerTLS = c.ServerTLS.Clone()
		good := c.ServerTLS.VerifyConnection
		c.ServerTLS.VerifyConnection = func(cs tls.ConnectionState) error {
			if id, _ := nodeOf(cs); id == node(7) {
				return errors.New("revoked")
			}
			return good(cs)
		}
		c.ShutOut = func(overlay.Peer) { others.Add(1) }
	})
	x := run(t, o.phone(node(7)), func(c *Config) {
		c.ShutOut = func(by overlay.Peer) {
			if by.ID == node(1) {
				told.Add(1)
			} else {
				others.Add(1)
			}
		}
	})
	b := run(t, o.phone(node(2)))
	x.Send(b.Self(), x.to(b.id, chord.Ping{}))
	b.receive()
	nobody := overlay.Peer{ID: node(8), Addr: b.Self().Addr}
	x.Send(nobody, x.to(node(8), chord.Ping{}))
	x.lost(node(8))
	b.Cut(x.id)
	x.lost(b.id)
	// A connection may also end before what ended it is read: a node dials again.
	for deadline := time.Now().Add(20 * time.Second); told.Load() == 0; {
		if time.Now().After(deadline) {
			t.Fatal("not told")
		}
		x.Send(a.Self(), x.to(a.id, chord.Ping{}))
		x.lost(a.id)
	}
	if others.Load() != 0 {
		t.Errorf("%d times of others", others.Load())
	}
}
