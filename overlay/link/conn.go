package link

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/reload"
)

// What ends a connection.
var (
	errNoAck = errors.New("link: no ACK in time")
	errIdle  = errors.New("link: nothing said for long")
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
	l                     *Link
	nc                    *tls.Conn
	tcp                   *watched
	id                    overlay.ID
	remote                netip.Addr
	localAddr, remoteAddr netip.AddrPort // of TCP
	dialled               bool           // by us
	since                 time.Time
	stop                  chan struct{} // closed by fail
	wake                  chan struct{} // tells the writer to look

	mu         sync.Mutex // guards what follows
	addr       netip.AddrPort
	queue      []*outgoing
	octets     int // in queue
	acks       []byte
	ackBase    uint32      // the first message that only the last of acks acknowledges
	ackSince   time.Time   // when the first message came that no ACK was sent for
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
	local := tcp.LocalAddr().(*net.TCPAddr).AddrPort()
	remote := tcp.RemoteAddr().(*net.TCPAddr).AddrPort()
	return &conn{
		l: l, nc: nc, tcp: tcp, id: peer.ID, addr: peer.Addr, dialled: dialled, since: now, used: now,
		remote:     remote.Addr().Unmap(),
		localAddr:  netip.AddrPortFrom(local.Addr().Unmap(), local.Port()),
		remoteAddr: netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port()),
		stop:       make(chan struct{}),
		wake:       make(chan struct{}, 1),
		bucket:     bucket{tokens: messageBurst, at: now},
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
		c.remindLocked()
	}
	c.signal()
}

// deadline is when a sweep ends the connection, or drains it, and why. It comes
// later with every message and ACK, and sooner only where remindLocked is called.
// Zero: it has ended already.
func (c *conn) deadline() (at time.Time, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.deadlineLocked()
}

func (c *conn) deadlineLocked() (at time.Time, why error) {
	switch {
	case c.err != nil:
		return time.Time{}, nil
	case !c.drainSince.IsZero():
		return c.drainSince.Add(drainTimeout), errDrain
	case len(c.unacked) > 0:
		return c.unacked[0].at.Add(c.rto.timeout()), errNoAck
	}
	return c.used.Add(idleTimeout), errIdle
}

// remindLocked sets the alarm after a change that may have brought the deadline
// forward. c.mu is held.
func (c *conn) remindLocked() {
	at, _ := c.deadlineLocked()
	c.l.alarm.set(at)
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
	if c.dialled && isRefusal(err) && c.l.cfg.ShutOut != nil {
		c.l.cfg.ShutOut(c.peer())
	}
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
