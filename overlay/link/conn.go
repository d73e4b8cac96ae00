package link

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/reload"
)

// What ends a connection.
var (
	errNoAck = errors.New("link: no ACK in time")
	errDrain = errors.New("link: the other side does not finish")
	errCut   = errors.New("link: connection ended without close_notify")
	errEnded = errors.New("link: shutting down")
	errDone  = errors.New("link: both sides have finished")
)

// watched is a TCP connection that remembers whether the other side closed it:
// crypto/tls reports io.EOF for that as well as for a close_notify.
type watched struct {
	net.Conn
	eof atomic.Bool
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if err != nil {
		w.eof.Store(true)
	}
	return n, err
}

// conn is one authenticated connection. One goroutine reads it (run), one writes
// it (write); run owns the other.
type conn struct {
	l       *Link
	nc      *tls.Conn
	tcp     *watched
	id      overlay.ID
	remote  netip.Addr
	dialled bool // by us
	since   time.Time
	stop    chan struct{} // closed by fail
	wake    chan struct{} // tells the writer to look

	mu         sync.Mutex // guards what follows
	addr       netip.AddrPort
	queue      []*outgoing
	octets     int // in queue
	acks       []byte
	unacked    []sentFrame // oldest first
	rto        rto
	used       time.Time
	drainSince time.Time // zero while active
	err        error     // why stop was closed

	seq  uint32 // of the next DATA; writer
	sent keeper // writer

	window reload.Window // reader
	kept   keeper        // reader
	bucket bucket        // reader
}

type sentFrame struct {
	seq uint32
	at  time.Time
}

func newConn(l *Link, nc *tls.Conn, tcp *watched, peer overlay.Peer, dialled bool) *conn {
	now := time.Now()
	return &conn{
		l: l, nc: nc, tcp: tcp, id: peer.ID, addr: peer.Addr, dialled: dialled, since: now, used: now,
		remote: tcp.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap(),
		stop:   make(chan struct{}),
		wake:   make(chan struct{}, 1),
		bucket: bucket{tokens: messageBurst, at: now},
	}
}

func (c *conn) peer() overlay.Peer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return overlay.Peer{ID: c.id, Addr: c.addr}
}

func (c *conn) lastUse() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used
}

// busy reports whether something waits to be sent.
func (c *conn) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err == nil && (len(c.queue) > 0 || len(c.unacked) > 0)
}

// enqueue queues a message unless too much waits already.
func (c *conn) enqueue(o *outgoing) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) >= maxQueue || c.octets+o.size() > maxQueueOctets {
		return false
	}
	c.queue = append(c.queue, o)
	c.octets += o.size()
	c.used = time.Now()
	c.signal()
	return true
}

func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// drain lets the writer send what is queued and then close_notify.
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drainSince.IsZero() {
		c.drainSince = time.Now()
	}
	c.signal()
}

func (c *conn) drainedFor(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return now.Sub(c.drainSince)
}

// overdue reports whether the oldest frame should have been acknowledged.
func (c *conn) overdue(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.unacked) > 0 && now.Sub(c.unacked[0].at) > c.rto.timeout()
}

// fail ends the connection at once.
func (c *conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	close(c.stop)
	c.tcp.Close() // without close_notify: tls.Conn.Close would send one
}

// run reads until the end, then waits for the writer.
func (c *conn) run() {
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write()
	}()
	release := context.AfterFunc(c.l.ctx, func() { c.fail(errEnded) })
	defer release()
	err := c.read()
	if err == nil {
		// The other side has finished. Let ours finish, too.
		c.l.mu.Lock()
		c.l.drainLocked(c)
		c.l.mu.Unlock()
		<-written
	}
	c.mu.Lock()
	if c.err != nil && err != nil {
		err = c.err // the first reason
	}
	left := len(c.queue)
	if err != nil {
		left += len(c.unacked)
	}
	c.mu.Unlock()
	c.fail(cmp.Or(err, errDone))
	<-written
	c.l.ended(c, err, left)
}

// read receives frames until close_notify (nil) or something worse.
func (c *conn) read() error {
	br := bufio.NewReaderSize(c.nc, 4<<10)
	for {
		f, err := c.frame(br)
		if err == io.EOF && !c.tcp.eof.Load() {
			return nil
		}
		if err == io.EOF {
			return errCut
		}
		if err != nil {
			c.countFraming(err)
			return err
		}
		if f.Ack {
			c.acked(f, time.Now())
			continue
		}
		wire, err := readMessage(br, f.Length)
		if err != nil {
			return err
		}
		c.l.counters.messagesIn.Add(1)
		c.l.counters.bytesIn.Add(uint64(len(wire) + reload.DataHeaderSize))
		c.ack(f.Sequence)
		if err := c.receive(wire); err != nil {
			return err
		}
	}
}

func (c *conn) countFraming(err error) {
	switch {
	case errors.Is(err, reload.ErrTooLarge):
		c.l.drop(TooLarge, "frame", "peer", c.id.Short())
	case errors.Is(err, reload.ErrMalformed):
		c.l.drop(BadFraming, "frame", "peer", c.id.Short())
	}
}

// frame waits for the head of a frame, without limit for its first octet.
func (c *conn) frame(br *bufio.Reader) (reload.Frame, error) {
	if br.Buffered() == 0 {
		c.nc.SetReadDeadline(time.Time{})
	}
	if _, err := br.Peek(1); err != nil {
		return reload.Frame{}, err
	}
	c.nc.SetReadDeadline(time.Now().Add(frameTimeout))
	for need := 1; ; need++ {
		head, err := br.Peek(need)
		if err != nil {
			return reload.Frame{}, noEOF(err)
		}
		f, n, err := reload.ParseFrame(head)
		if n > 0 || err != nil {
			br.Discard(n)
			return f, err
		}
	}
}

// noEOF makes an end in the middle of a frame an error of its own.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readMessage reads n octets and takes no more memory than has come.
func readMessage(br *bufio.Reader, n int) ([]byte, error) {
	const step = 16 << 10
	wire := make([]byte, 0, min(n, step))
	for len(wire) < n {
		at := len(wire)
		wire = append(wire, make([]byte, min(n-at, step))...)
		if _, err := io.ReadFull(br, wire[at:]); err != nil {
			return nil, noEOF(err)
		}
	}
	return wire, nil
}

// ack queues an ACK. // RFC 6940, section 6.6.2
func (c *conn) ack(seq uint32) {
	received := c.window.Receive(seq)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.acks) < 64*reload.AckSize { // later ones acknowledge earlier ones, too
		c.acks = reload.AppendAck(c.acks, seq, received)
	} else {
		c.acks = reload.AppendAck(c.acks[:len(c.acks)-reload.AckSize], seq, received)
	}
	c.signal()
}

// acked takes note of an ACK.
func (c *conn) acked(f reload.Frame, now time.Time) {
	c.l.counters.bytesIn.Add(reload.AckSize)
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.unacked[:0]
	for _, s := range c.unacked {
		if s.seq == f.Sequence {
			c.rto.measure(now.Sub(s.at))
		}
		if !f.Covers(s.seq) {
			kept = append(kept, s)
		}
	}
	if len(kept) < len(c.unacked) {
		c.signal() // the window has room
	}
	c.unacked = kept
}

// receive opens a message and hands it to the node. Only what makes the
// connection useless is an error.
func (c *conn) receive(wire []byte) error {
	if wait := c.bucket.take(time.Now()); wait > 0 {
		select {
		case <-time.After(wait):
		case <-c.stop:
			return errEnded
		}
	}
	from := c.peer()
	m, reason, err := c.l.open(wire, from, c.remote, &c.kept)
	if err != nil {
		c.l.drop(reason, "message", "peer", from, "err", err)
		if errors.Is(err, errNoCertificate) {
			return fmt.Errorf("link: from %s: %w", from, err) // the two keepers differ: begin anew
		}
		return nil
	}
	if m.From.ID == c.id && m.From.Addr.IsValid() {
		from.Addr = m.From.Addr
	} else if m.From.ID == c.id {
		m.From.Addr = from.Addr
	}
	c.mu.Lock()
	c.addr, c.used = from.Addr, time.Now()
	c.mu.Unlock()
	select {
	case c.l.events <- chord.Receive{From: from, Msg: m}:
		return nil
	case <-c.stop:
		return errEnded
	}
}

// write sends what is queued until the connection drains or fails.
func (c *conn) write() {
	var buf []byte
	for {
		acks, batch, last := c.take()
		if len(acks) == 0 && len(batch) == 0 {
			if last {
				c.nc.SetWriteDeadline(time.Now().Add(frameTimeout))
				if err := c.nc.CloseWrite(); err != nil {
					c.fail(err)
				}
				return
			}
			select {
			case <-c.wake:
			case <-c.stop:
				return
			}
			continue
		}
		buf = append(buf[:0], acks...)
		for _, o := range batch {
			buf = c.appendData(buf, o)
		}
		c.l.counters.bytesOut.Add(uint64(len(buf)))
		c.nc.SetWriteDeadline(time.Now().Add(frameTimeout))
		if _, err := c.nc.Write(buf); err != nil {
			c.fail(err)
			return
		}
		if cap(buf) > 64<<10 {
			buf = nil
		}
	}
}

// take takes the ACKs and as many messages as may be sent now. last says that
// nothing will follow.
func (c *conn) take() (acks []byte, batch []*outgoing, last bool) {
	const most = 32 // messages in one write
	c.mu.Lock()
	defer c.mu.Unlock()
	acks, c.acks = c.acks, nil
	n := min(len(c.queue), maxUnacked-len(c.unacked), most)
	batch = append(batch, c.queue[:n]...)
	clear(c.queue[:n])
	c.queue = c.queue[n:]
	now := time.Now()
	for i, o := range batch {
		c.octets -= o.size()
		c.unacked = append(c.unacked, sentFrame{c.seq + uint32(i), now})
	}
	return acks, batch, !c.drainSince.IsZero() && len(c.queue) == 0
}

// appendData signs and frames a message. One that cannot be made leaves a gap in
// the sequence, which take has noted as sent.
func (c *conn) appendData(buf []byte, o *outgoing) []byte {
	seq := c.seq
	c.seq++
	wire, err := c.l.finish(o, &c.sent)
	if err == nil {
		var out []byte
		if out, err = reload.AppendData(buf, seq, wire); err == nil {
			c.l.counters.messagesOut.Add(1)
			return out
		}
	}
	c.l.drop(Unencodable, "send", "peer", c.id.Short(), "err", err)
	c.acked(reload.Frame{Ack: true, Sequence: seq}, time.Now())
	return buf
}
