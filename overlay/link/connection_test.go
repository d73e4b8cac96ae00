package link

import (
	"net"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

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

// TestFlush: what was sent before Run was told to end arrives, if that goes quickly.
func TestFlush(t *testing.T) {
	o := newOffice(t, "office.example")
	a, b := run(t, o.phone(node(1))), run(t, o.phone(node(2)))
	a.Send(b.Self(), a.to(b.id, chord.Ping{}))
	b.receive()
	const n = 50
	for range n {
		a.Send(b.Self(), a.to(b.id, chord.Leave{}))
	}
	took := make(chan time.Duration, 1)
	go func() {
		start := time.Now()
		a.stop()
		took <- time.Since(start)
	}()
	got := 0
	for b.next() != (chord.Lost{Peer: a.id}) {
		got++
	}
	// On a busy machine the moment may be too short for all of them, but then it was used.
	if d := <-took; got < n && d < flushTime || got > n {
		t.Errorf("%d of %d messages arrived, and it took %v", got, n, d)
	}
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
		const n = 5 // few: ACKs have to come within minAckTimeout on a busy machine, too
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
