package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// equate lets cmp compare addresses, and nil with empty.
var equate = cmp.Options{cmpopts.EquateComparable(netip.AddrPort{}), cmpopts.EquateEmpty()}

func TestTwo(t *testing.T) {
	o := newOffice(t, "office.example")
	a, b := run(t, o.phone(node(1))), run(t, o.phone(node(2)))

	a.Send(b.Self(), a.to(b.id, chord.Ping{}))
	got := b.receive()
	if got.From != a.Self() || got.Msg.From != a.Self() {
		t.Errorf("from %v over %v, want %v: b must be able to dial a", got.Msg.From, got.From, a.Self())
	}
	// The answer goes over the same connection: no address is needed.
	table := chord.Table{Pred: []overlay.Peer{a.Self()}, Succ: []overlay.Peer{a.Self(), {ID: node(9)}}}
	b.Send(overlay.Peer{ID: a.id}, b.to(a.id, chord.Pong{Table: table}))
	ans := a.receive()
	if diff := cmp.Diff(table, ans.Msg.Body.(chord.Pong).Table, equate); diff != "" {
		t.Error(diff)
	}
	if s := a.Stats(); s.Conns != 1 || s.Dials != 1 || s.MessagesIn != 1 || s.MessagesOut != 1 || len(s.Dropped) != 0 {
		t.Errorf("a: %+v", s)
	}
	if s := b.Stats(); s.Conns != 1 || s.Accepts != 1 || s.Dials != 0 || len(s.Dropped) != 0 {
		t.Errorf("b: %+v", s)
	}
}

// TestOrder: many messages at once arrive all and in order, and the later ones
// leave out the certificates.
func TestOrder(t *testing.T) {
	o := newOffice(t, "office.example")
	a, b := run(t, o.phone(node(1))), run(t, o.phone(node(2)))
	const n = maxQueue
	for i := range n {
		m := a.to(b.id, chord.Ping{})
		m.Tx = uint64(i)
		a.Send(b.Self(), m)
	}
	for i := range n {
		if got := b.receive().Msg.Tx; got != uint64(i) {
			t.Fatalf("message %d came when %d was due", got, i)
		}
	}
	a.eventually("all acknowledged", func() bool { return !a.busy() })
	if per := a.Stats().BytesOut / n; per > 300 {
		t.Errorf("%d octets a message: certificates sent again and again?", per)
	}
}

// TestBootstrap: a node known by address only says itself who it is.
func TestBootstrap(t *testing.T) {
	o := newOffice(t, "office.example")
	a, b := run(t, o.phone(node(1))), run(t, o.phone(node(2)))
	m := a.to(a.id, chord.Ping{})
	m.To[0].Resource = true
	for range 2 { // the second one finds the connection by its address
		a.Send(overlay.Peer{Addr: b.Self().Addr}, m)
		b.receive()
	}
	b.Send(overlay.Peer{ID: a.id}, b.to(a.id, chord.Pong{}))
	if from := a.receive().From; from != b.Self() {
		t.Errorf("from %v, want %v", from, b.Self())
	}
	if s := a.Stats(); s.Dials != 1 {
		t.Errorf("%d dials", s.Dials)
	}
}

// TestForward: the maker's signature goes over a third node whole.
func TestForward(t *testing.T) {
	o := newOffice(t, "office.example")
	a, b, c := run(t, o.phone(node(1))), run(t, o.phone(node(2))), run(t, o.phone(node(3)))
	rec := a.record(node(8), overlay.SIPRegistration, "value")

	m := a.to(node(8), chord.Store{Records: []overlay.Record{rec}})
	m.To[0].Resource = true
	a.Send(b.Self(), m)
	fwd := b.receive().Msg
	fwd.Via = append(fwd.Via, a.id)
	fwd.TTL--
	b.Send(c.Self(), fwd)

	got := c.receive()
	if got.From.ID != b.id || got.Msg.From != a.Self() || got.Msg.TTL != 99 {
		t.Errorf("from %v, made by %v, TTL %d", got.From, got.Msg.From, got.Msg.TTL)
	}
	if diff := cmp.Diff([]overlay.ID{a.id}, got.Msg.Via); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]overlay.Record{rec}, got.Msg.Body.(chord.Store).Records); diff != "" {
		t.Error(diff)
	}

	// Without what a signed, b cannot speak for a.
	fwd.Raw = nil
	b.Send(c.Self(), fwd)
	b.eventually("drop", func() bool { return b.Stats().Dropped[Unsigned.String()] == 1 })
	// With something else neither.
	fwd.Raw = append([]byte(nil), got.Msg.Raw...)
	fwd.Raw[20] ^= 1
	b.Send(c.Self(), fwd)
	c.eventually("drop", func() bool {
		s := c.Stats().Dropped
		return s[BadSignature.String()]+s[Malformed.String()]+s[BadRecord.String()] == 1
	})
	// Nor under another transaction.
	fwd.Raw = got.Msg.Raw
	fwd.Tx++
	b.Send(c.Self(), fwd)
	c.eventually("drop", func() bool { return c.Stats().Dropped[BadSignature.String()] >= 1 })
}

func TestEnrol(t *testing.T) {
	o := newOffice(t, "office.example")
	withEnrol := func(p *phone) func(*Config) {
		return func(c *Config) {
			server := p.tls(overlay.ID{})
			newcomer := &tls.Config{Certificates: server.Certificates, NextProtos: []string{EnrolALPN}, MinVersion: tls.VersionTLS13}
			server.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
				if len(h.SupportedProtos) == 1 && h.SupportedProtos[0] == EnrolALPN {
					return newcomer, nil
				}
				return nil, nil
			}
			c.ServerTLS = server
		}
	}
	dial := func(a *running) string {
		nc, err := tls.Dial("tcp", a.Self().Addr.String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{EnrolALPN}})
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		b := make([]byte, 16)
		n, _ := nc.Read(b)
		return string(b[:n])
	}
	p := o.phone(node(1))
	a := run(t, p, withEnrol(p), func(c *Config) {
		c.Enrol = func(ctx context.Context, nc *tls.Conn) { fmt.Fprint(nc, "welcome") }
	})
	if got := dial(a); got != "welcome" {
		t.Errorf("%q", got)
	}
	p = o.phone(node(2))
	closed := run(t, p, withEnrol(p))
	if got := dial(closed); got != "" {
		t.Errorf("%q from a phone that enrols nobody", got)
	}
	if s := a.Stats(); s.Conns != 0 || s.Accepts != 0 {
		t.Errorf("a newcomer became a member: %+v", s)
	}
}

func TestListenBusy(t *testing.T) {
	o := newOffice(t, "office.example")
	a := run(t, o.phone(node(1)))
	cfg := o.phone(node(2)).config()
	cfg.Self.Addr = a.Self().Addr
	if _, err := Listen(cfg); !errors.Is(err, ErrAddrInUse) {
		t.Errorf("%v, want %v", err, ErrAddrInUse)
	}
	if _, err := Listen(Config{}); !errors.Is(err, ErrConfig) {
		t.Errorf("%v, want %v", err, ErrConfig)
	}
}
