package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
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

func TestRefused(t *testing.T) {
	o := newOffice(t, "office.example")
	a := run(t, o.phone(node(1)))
	// Nobody listens there.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().(*net.TCPAddr).AddrPort()
	ln.Close()
	start := time.Now()
	a.Send(overlay.Peer{ID: node(2), Addr: addr}, a.to(node(2), chord.Ping{}))
	a.lost(node(2))
	if d := time.Since(start); d > dialTimeout {
		t.Errorf("a refused connection took %v", d)
	}
	// No address at all.
	a.Send(overlay.Peer{ID: node(3)}, a.to(node(3), chord.Ping{}))
	a.lost(node(3))
	// Somebody else of the office answers.
	b := run(t, o.phone(node(2)))
	a.Send(overlay.Peer{ID: node(4), Addr: b.Self().Addr}, a.to(node(4), chord.Ping{}))
	a.lost(node(4))
}

// TestStrangers: whoever has no certificate of the office gets no further than
// the handshake, on either side.
func TestStrangers(t *testing.T) {
	ours, theirs := newOffice(t, "office.example"), newOffice(t, "office.example")
	a, x := run(t, ours.phone(node(1))), run(t, theirs.phone(node(2)))
	a.Send(x.Self(), a.to(x.id, chord.Ping{}))
	a.lost(x.id)
	x.Send(a.Self(), x.to(a.id, chord.Ping{}))
	x.lost(a.id)

	naked, err := net.Dial("tcp", a.Self().Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer naked.Close()
	nc := tls.Client(naked, &tls.Config{InsecureSkipVerify: true})
	if nc.Handshake() == nil { // TLS 1.3: the refusal comes after it
		if _, err := nc.Read(make([]byte, 1)); err == nil {
			t.Error("served without certificate")
		}
	}
	a.eventually("refusal", func() bool { return a.Stats().Dropped[Refused.String()] >= 3 })
	if s := a.Stats(); s.MessagesIn != 0 || s.Conns != 0 {
		t.Errorf("%+v", s)
	}
}

// raw is a connection of a member to l that the test speaks on itself.
func raw(t *testing.T, from *phone, l *running) *tls.Conn {
	t.Helper()
	nc, err := tls.Dial("tcp", l.Self().Addr.String(), from.tls(l.id))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.NetConn().Close() })
	return nc
}

func TestGarbage(t *testing.T) {
	o := newOffice(t, "office.example")
	x := o.phone(node(9))
	for _, tt := range []struct {
		name   string
		octets []byte
		reason Reason
	}{
		{"not a frame", []byte("GET / HTTP/1.1\r\n\r\n"), BadFraming},
		{"16 MB", []byte{128, 0, 0, 0, 0, 0xff, 0xff, 0xff}, TooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := run(t, o.phone(node(1)))
			nc := raw(t, x, a)
			nc.Write(tt.octets)
			a.lost(x.id)
			if n := a.Stats().Dropped[tt.reason.String()]; n != 1 {
				t.Errorf("%d dropped as %v; %+v", n, tt.reason, a.Stats())
			}
		})
	}
	t.Run("no message", func(t *testing.T) { // the frame is whole: the connection may stay
		a := run(t, o.phone(node(1)))
		nc := raw(t, x, a)
		frame, _ := reload.AppendData(nil, 0, []byte("nonsense"))
		nc.Write(frame)
		ack := make([]byte, reload.AckSize)
		if _, err := nc.Read(ack); err != nil {
			t.Fatal(err)
		}
		a.eventually("drop", func() bool { return a.Stats().Dropped[Malformed.String()] == 1 })
		if a.Stats().Conns != 1 {
			t.Error("connection closed")
		}
	})
	t.Run("cut in a frame", func(t *testing.T) {
		a := run(t, o.phone(node(1)))
		nc := raw(t, x, a)
		nc.Write([]byte{128, 0, 0, 0, 0, 0, 1, 0, 1, 2, 3})
		nc.NetConn().Close()
		a.lost(x.id)
	})
}

func TestWrongOverlay(t *testing.T) {
	o := newOffice(t, "office.example")
	a := run(t, o.phone(node(1)))
	b := run(t, o.phone(node(2)), func(c *Config) { c.Office = "another.example" })
	b.Send(a.Self(), b.to(a.id, chord.Ping{}))
	a.eventually("drop", func() bool { return a.Stats().Dropped[WrongOverlay.String()] == 1 })
}

// TestBadRecords: a Store with a bad record is refused, what was fetched loses
// only the bad one.
func TestBadRecords(t *testing.T) {
	o := newOffice(t, "office.example")
	a, b := run(t, o.phone(node(1))), run(t, o.phone(node(2)))
	good := a.record(node(8), overlay.SIPRegistration, "good")
	bad := a.record(node(8), overlay.OfficeMember, "bad")
	bad.Value = []byte("changed")

	a.Send(b.Self(), a.to(b.id, chord.Store{Records: []overlay.Record{good, bad}}))
	b.eventually("drop", func() bool { return b.Stats().Dropped[BadRecord.String()] == 1 })
	a.Send(b.Self(), a.to(b.id, chord.Fetched{Records: []overlay.Record{bad, good}}))
	got := b.receive().Msg.Body.(chord.Fetched).Records
	if diff := cmp.Diff([]overlay.Record{good}, got); diff != "" {
		t.Error(diff)
	}
	a.Send(b.Self(), a.to(b.id, chord.Store{Replica: 1, Records: []overlay.Record{bad, good}}))
	got = b.receive().Msg.Body.(chord.Store).Records
	if diff := cmp.Diff([]overlay.Record{good}, got); diff != "" {
		t.Error("copies that are handed over:", diff)
	}
}

// TestKilled: a peer whose process dies is lost at once.
func TestKilled(t *testing.T) {
	o := newOffice(t, "office.example")
	a, b := run(t, o.phone(node(1))), run(t, o.phone(node(2)))
	a.Send(b.Self(), a.to(b.id, chord.Ping{}))
	b.receive()
	b.stop()
	a.lost(b.id)
	if a.Stats().Conns != 0 {
		t.Error("the connection is still there")
	}
}

// TestFlush: what was sent before Run was told to end arrives.
func TestFlush(t *testing.T) {
	o := newOffice(t, "office.example")
	a, b := run(t, o.phone(node(1))), run(t, o.phone(node(2)))
	a.Send(b.Self(), a.to(b.id, chord.Ping{}))
	b.receive()
	const n = 50
	for range n {
		a.Send(b.Self(), a.to(b.id, chord.Leave{}))
	}
	go a.stop()
	for range n {
		b.receive()
	}
	b.lost(a.id)
}

// TestSilent: a peer that takes everything and acknowledges nothing is lost when
// its ACK is overdue, not before. TestSilentTimes holds that it is not after either.
func TestSilent(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "office.example")
	a := run(t, o.phone(node(1)))
	x := o.phone(node(9))
	raw(t, x, a)
	a.eventually("connection", func() bool { return a.Stats().Conns == 1 })
	start := time.Now()
	a.Send(overlay.Peer{ID: x.id}, a.to(x.id, chord.Ping{}))
	a.lost(x.id)
	if d := time.Since(start); d < minAckTimeout {
		t.Errorf("lost after %v", d)
	}
	if a.Stats().Dropped[NoAck.String()] != 1 {
		t.Errorf("%+v", a.Stats())
	}
}

// TestSimultaneousDial: both dial each other at the same moment, with messages
// waiting on both sides; none is lost, none is called Lost, and one connection
// stays.
func TestSimultaneousDial(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "office.example")
	pa, pb := o.phone(node(1)), o.phone(node(2))
	for round := range 8 {
		a, b := run(t, pa), run(t, pb)
		const n = 20
		go func() {
			for i := range n {
				m := a.to(b.id, chord.Ping{})
				m.Tx = uint64(i)
				a.Send(b.Self(), m)
			}
		}()
		for i := range n {
			m := b.to(a.id, chord.Ping{})
			m.Tx = uint64(i)
			b.Send(a.Self(), m)
		}
		for _, r := range []*running{a, b} {
			got := make(map[uint64]bool)
			for range n {
				got[r.receive().Msg.Tx] = true
			}
			if len(got) != n {
				t.Errorf("round %d: %d of %d messages", round, len(got), n)
			}
		}
		for _, r := range []*running{a, b} {
			r.eventually("one connection", func() bool {
				r.mu.Lock()
				defer r.mu.Unlock()
				return len(r.draining) == 0 && len(r.conns) <= 1
			})
			if s := r.Stats(); len(s.Dropped) != 0 {
				t.Errorf("round %d: %+v", round, s)
			}
		}
		a.stop()
		b.stop()
	}
}

// TestPrefers is the rule of TestSimultaneousDial by itself: both sides come to
// the same choice whichever connection they see first.
func TestPrefers(t *testing.T) {
	now := time.Now()
	for _, low := range []bool{true, false} {
		self, peer := node(1), node(2)
		if !low {
			self, peer = peer, self
		}
		l := &Link{cfg: Config{Self: overlay.Peer{ID: self}}}
		ours := &conn{id: peer, dialled: true, since: now}
		theirs := &conn{id: peer, since: now}
		if got := l.prefers(ours, theirs); got != low {
			t.Errorf("self lower %v: ours preferred %v", low, got)
		}
		if got := l.prefers(theirs, ours); got == low {
			t.Errorf("self lower %v: theirs preferred %v", low, got)
		}
		late := &conn{id: peer, since: now.Add(time.Minute)}
		if l.prefers(ours, late) {
			t.Error("a connection that the peer has given up is preferred")
		}
	}
}

// TestIdle: an idle connection closes without a loss, and the next message makes
// a new one.
func TestIdle(t *testing.T) {
	o := newOffice(t, "office.example")
	a, b := run(t, o.phone(node(1))), run(t, o.phone(node(2)))
	a.Send(b.Self(), a.to(b.id, chord.Ping{}))
	b.receive()
	a.eventually("ACK", func() bool { return !a.busy() })
	a.sweep(time.Now().Add(2 * idleTimeout))
	for _, r := range []*running{a, b} {
		r.eventually("end", func() bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			return len(r.conns)+len(r.draining) == 0
		})
	}
	b.Send(a.Self(), b.to(a.id, chord.Ping{}))
	a.receive()
	a.Send(overlay.Peer{ID: b.id}, a.to(b.id, chord.Ping{}))
	b.receive()
	for _, r := range []*running{a, b} {
		if s := r.Stats(); len(s.Dropped) != 0 || s.Conns != 1 {
			t.Errorf("%+v", s)
		}
	}
}

// TestQueueBound: a peer that takes nothing costs a bounded queue.
func TestQueueBound(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "office.example")
	a := run(t, o.phone(node(1)))
	x := o.phone(node(9))
	raw(t, x, a)
	a.eventually("connection", func() bool { return a.Stats().Conns == 1 })
	const sent = 2000
	for range sent {
		a.Send(overlay.Peer{ID: x.id}, a.to(x.id, chord.Ping{}))
	}
	if n := a.Stats().Dropped[QueueFull.String()]; n < sent-maxQueue-maxUnacked || n == sent {
		t.Errorf("%d of %d dropped", n, sent)
	}
}

// TestHandshakeBound: connections that never say a word are bounded and cut.
func TestHandshakeBound(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "office.example")
	a := run(t, o.phone(node(1)))
	for range maxHandshakesIP + 4 {
		c, err := net.Dial("tcp", a.Self().Addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	a.eventually("refusal", func() bool { return a.Stats().Dropped[Busy.String()] >= 4 })
	a.eventually("cut", func() bool { return a.Stats().Dropped[Refused.String()] >= maxHandshakesIP })
	b := run(t, o.phone(node(2)))
	b.Send(a.Self(), b.to(a.id, chord.Ping{}))
	a.receive()
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

func TestBucket(t *testing.T) {
	now := time.Now()
	b := bucket{tokens: messageBurst, at: now}
	for range messageBurst {
		if b.take(now) != 0 {
			t.Fatal("a burst has to wait")
		}
	}
	if b.take(now) == 0 {
		t.Error("beyond the burst there is no wait")
	}
	if b.take(now.Add(time.Second)) != 0 {
		t.Error("a second later there is one")
	}
}
