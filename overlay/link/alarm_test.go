package link

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// tcpPipe is an end of a net.Pipe that says it is of TCP.
type tcpPipe struct{ net.Conn }

func (tcpPipe) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (tcpPipe) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }

// timed is a link in a bubble, in whose virtual time nothing is late, and its
// connection to a peer that takes everything and answers as the test says.
type timed struct {
	*Link
	t    *testing.T
	peer overlay.ID
	far  *tls.Conn
	seq  uint32 // of the next message
}

// inBubble runs a test of what becomes of one connection.
func inBubble(t *testing.T, test func(s *timed)) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "office.example")
		p, x := o.phone(node(1)), o.phone(node(9))
		l, err := Listen(p.config())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { l.watch(ctx) })

		near, far := net.Pipe()
		s := &timed{Link: l, t: t, peer: x.id, far: tls.Client(far, x.tls(p.id))}
		wg.Go(func() { io.Copy(io.Discard, s.far) }) // the handshake, too
		tcp := &watched{Conn: tcpPipe{near}}
		nc := tls.Server(tcp, p.tls(overlay.ID{}))
		if err := nc.Handshake(); err != nil {
			t.Fatal(err)
		}
		l.adopt(nc, tcp, overlay.Peer{ID: x.id}, false, nil)
		test(s)
		l.Close()
		far.Close()
		cancel()
		wg.Wait()
	})
}

// send sends a message and returns its sequence number.
func (s *timed) send() uint32 {
	to := overlay.Peer{ID: s.peer}
	s.Send(to, chord.Message{Tx: uint64(s.seq), From: s.Self(), To: []chord.Dest{{ID: s.peer}}, TTL: 100, Body: chord.Ping{}})
	synctest.Wait()
	s.seq++
	return s.seq - 1
}

// ack acknowledges that message and no other.
func (s *timed) ack(seq uint32) {
	s.t.Helper()
	if _, err := s.far.Write(reload.AppendAck(nil, seq, 0)); err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
}

func (s *timed) conn() *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[s.peer]
}

func (s *timed) alarmAt() time.Time {
	s.alarm.mu.Lock()
	defer s.alarm.mu.Unlock()
	return s.alarm.at
}

// lostAt expects the loss of the peer at that very moment.
func (s *timed) lostAt(want time.Time) {
	s.t.Helper()
	if ev := <-s.Events(); ev != (chord.Lost{Peer: s.peer}) {
		s.t.Fatalf("%#v instead of the loss", ev)
	}
	if now := time.Now(); !now.Equal(want) {
		s.t.Errorf("lost %v after its time", now.Sub(want))
	}
}

// A peer that falls silent is lost in the moment when its ACK is overdue, whatever
// was before: the first message, one after a long rest, one of many.
func TestSilentTimes(t *testing.T) {
	t.Run("first message", func(t *testing.T) {
		inBubble(t, func(s *timed) {
			s.send()
			s.lostAt(time.Now().Add(minAckTimeout))
			if n := s.Stats().Dropped[NoAck.String()]; n != 1 {
				t.Errorf("counted %d times", n)
			}
		})
	})
	t.Run("after a rest", func(t *testing.T) {
		inBubble(t, func(s *timed) {
			for range 3 {
				s.ack(s.send())
				time.Sleep(idleTimeout - time.Second)
			}
			s.send()
			s.lostAt(time.Now().Add(minAckTimeout))
		})
	})
	t.Run("one of many", func(t *testing.T) {
		inBubble(t, func(s *timed) {
			var old time.Time
			for i := range 20 {
				if seq := s.send(); i == 5 {
					old = time.Now()
				} else {
					s.ack(seq)
				}
				time.Sleep(100 * time.Millisecond)
			}
			s.lostAt(old.Add(minAckTimeout))
		})
	})
	// The slow ACK gives the next message much time, the quick ones after that take
	// it back.
	t.Run("slow, then quick", func(t *testing.T) {
		inBubble(t, func(s *timed) {
			seq := s.send()
			time.Sleep(minAckTimeout - time.Millisecond)
			s.ack(seq)
			s.send()
			var more []uint32
			for range 20 {
				more = append(more, s.send())
			}
			time.Sleep(10 * time.Millisecond) // the alarm rings, and is set to the late moment
			conn := s.conn()
			slow, _ := conn.deadline()
			for _, seq := range more {
				s.ack(seq)
			}
			quick, _ := conn.deadline()
			if !quick.Before(slow) {
				t.Fatalf("the timeout has not become shorter: %v, %v", slow, quick)
			}
			s.lostAt(quick)
		})
	})
}

// A connection on which nothing is said is drained in time, and ended when the
// other side does not finish.
func TestIdleTimes(t *testing.T) {
	t.Run("from the first", func(t *testing.T) {
		inBubble(t, func(s *timed) {
			s.lostAt(time.Now().Add(idleTimeout + drainTimeout))
		})
	})
	t.Run("after a message", func(t *testing.T) {
		inBubble(t, func(s *timed) {
			time.Sleep(time.Minute)
			s.ack(s.send())
			s.lostAt(time.Now().Add(idleTimeout + drainTimeout))
		})
	})
	t.Run("drained before the ACK", func(t *testing.T) {
		inBubble(t, func(s *timed) {
			s.send()
			time.Sleep(time.Second)
			c := s.conn()
			s.mu.Lock()
			s.drainLocked(c)
			s.mu.Unlock()
			s.lostAt(time.Now().Add(drainTimeout))
		})
	})
}

// What has ended is not ended again: it would count twice until it is gone.
func TestEndedHasNoDeadline(t *testing.T) {
	inBubble(t, func(s *timed) {
		s.send()
		c := s.conn()
		c.fail(errNoAck)
		if at, why := c.deadline(); !at.IsZero() {
			t.Errorf("ends at %v (%v)", at, why)
		}
	})
}

// An alarm rings at the earliest moment it was set to, once.
func TestAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		in := func(d time.Duration) time.Time { return start.Add(d) }
		a := newAlarm()
		for _, at := range []time.Time{{}, in(3 * time.Hour), in(time.Minute), in(time.Hour), {}} {
			a.set(at)
		}
		if <-a.timer.C; time.Since(start) != time.Minute {
			t.Errorf("rang after %v", time.Since(start))
		}
		a.rung()
		a.set(time.Time{})
		select {
		case <-a.timer.C:
			t.Errorf("rang again after %v", time.Since(start))
		case <-time.After(24 * time.Hour):
		}
		a.set(in(time.Hour)) // past
		<-a.timer.C
	})
}

// Messages that are acknowledged at once do not have the link look at every one.
func TestAlarmIsRare(t *testing.T) {
	inBubble(t, func(s *timed) {
		const minutes = 2
		var at time.Time
		rings := 0
		for start := time.Now(); time.Since(start) < minutes*time.Minute; time.Sleep(50 * time.Millisecond) {
			s.ack(s.send())
			if now := s.alarmAt(); !now.Equal(at) {
				at = now
				rings++
			}
		}
		if most := int(minutes * time.Minute / minAckTimeout); rings > most+1 {
			t.Errorf("the alarm was set to %d moments in %d minutes, want %d", rings, minutes, most)
		}
		time.Sleep(minAckTimeout)
		synctest.Wait()
		if idle, _ := s.conn().deadline(); !s.alarmAt().Equal(idle) {
			t.Errorf("the alarm is set to %v though all is quiet until %v", s.alarmAt(), idle)
		}
	})
}
