package stack

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

const (
	maxQueued    = 256 // messages waiting to be written on one connection
	maxAhead     = 8   // messages of one connection waiting for the loop
	maxGathered  = 16 << 10
	writeTime    = 5 * time.Second
	messageTime  = 10 * time.Second // from the first octet of a message to its last
	strangerTime = 2 * time.Minute  // of silence, of those whom nobody vouched for
	idleTime     = 15 * time.Minute // ... of phones, and where we began the connection
	userTime     = 70 * time.Minute // ... of users: a client that sends no pings registers anew every hour
)

// conn is the connection under a flow. Its reader and its writer are goroutines of
// their own.
type conn struct {
	net.Conn
	out   chan []byte
	done  chan struct{} // closed: say the last words and end
	once  sync.Once
	slots chan struct{} // a place for each message that waits for the loop
	known atomic.Bool   // Peer, or Know was called
	idle  atomic.Int64  // nanoseconds of silence that are borne
	epoch time.Time
	last  atomic.Int64 // when octets came, in nanoseconds since epoch: no wall clock is trusted

	begun time.Time     // of the reader: when the message at hand began
	watch time.Duration // of the loop: Flow.Watch
}

func newConn(c net.Conn) *conn {
	return &conn{Conn: c, epoch: time.Now(), out: make(chan []byte, maxQueued), done: make(chan struct{}), slots: make(chan struct{}, maxAhead)}
}

// queue reports whether the octets will be written, if the connection lives; it
// never blocks.
func (c *conn) queue(octets []byte) bool {
	select {
	case c.out <- octets:
		return true
	default:
		return false
	}
}

// close may be called often and from anywhere.
func (c *conn) close() { c.once.Do(func() { close(c.done) }) }

func (c *conn) heard() time.Time { return c.epoch.Add(time.Duration(c.last.Load())) }

// Read is for the stream of messages: a message, once begun, must come to its end in
// time, and a connection may be silent only so long.
func (c *conn) Read(b []byte) (int, error) {
	now := time.Now()
	limit := now.Add(time.Duration(c.idle.Load()))
	if !c.begun.IsZero() {
		limit = c.begun.Add(messageTime)
	}
	c.Conn.SetReadDeadline(limit)
	n, err := c.Conn.Read(b)
	if n > 0 {
		now = time.Now()
		c.last.Store(int64(now.Sub(c.epoch)))
		if c.begun.IsZero() {
			c.begun = now
		}
	}
	return n, err
}

// write sends what is queued, until the connection is closed.
func (c *conn) write() {
	defer c.Conn.Close()
	var gathered []byte
	send := func(octets []byte) bool {
		if len(c.out) > 0 { // what waits goes with it
			gathered = append(gathered[:0], octets...)
			for len(gathered) < maxGathered && len(c.out) > 0 {
				gathered = append(gathered, <-c.out...)
			}
			octets = gathered
		}
		c.Conn.SetWriteDeadline(time.Now().Add(writeTime))
		_, err := c.Conn.Write(octets)
		return err == nil
	}
	for {
		select {
		case octets := <-c.out:
			if !send(octets) {
				return
			}
		case <-c.done:
			for len(c.out) > 0 {
				if !send(<-c.out) {
					return
				}
			}
			return
		}
	}
}

// serve reads a connection and passes on its messages, in order, until it ends or
// what comes makes no sense any more.
func (s *Stack) serve(f *Flow, c *conn) error {
	stream := wire.NewStream(c)
	var rate bucket
	for {
		c.begun = time.Time{}
		msg, v, ping, err := stream.Next()
		if ping {
			c.queue([]byte("\r\n"))
		}
		if msg != nil && !s.deliver(f, c, msg, v) {
			return net.ErrClosed
		}
		if err != nil {
			return err
		}
		if msg == nil && !ping {
			s.count.malformed.Add(1)
		}
		now := time.Now()
		var wait time.Duration
		switch {
		case f.peer != "" || s.cfg.Trusted(f.remote.Addr()): // TCP itself slows it down
		case c.known.Load():
			wait = rate.owe(now, s.cfg.Limits.KnownRate, s.cfg.Limits.KnownRate)
		default:
			wait = max(rate.owe(now, s.cfg.Limits.StrangerRate, s.cfg.Limits.StrangerRate), s.rates.stream(now))
		}
		if wait > 0 {
			select {
			case <-time.After(wait):
			case <-c.done:
				return net.ErrClosed
			}
		}
	}
}

// deliver waits until the loop has a place for the message.
func (s *Stack) deliver(f *Flow, c *conn, msg sip.Message, v wire.Verdict) bool {
	s.count.messages.Add(1)
	select {
	case c.slots <- struct{}{}:
	case <-c.done:
		return false
	}
	return s.bring(job{msg: msg, verdict: v, flow: f})
}
