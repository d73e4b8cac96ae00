package siptest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// Network joins addresses by connections and datagrams in memory. A connection
// carries any number of bytes at once, like TCP with a large window.
type Network struct {
	mu        sync.Mutex
	listeners map[netip.AddrPort]*Listener
	silent    map[netip.AddrPort]bool
	packets   map[netip.AddrPort]*PacketConn
	drop      func(from, to netip.AddrPort, data []byte) bool
	conns     []*Conn
	port      uint16
}

func NewNetwork() *Network {
	return &Network{
		listeners: map[netip.AddrPort]*Listener{}, silent: map[netip.AddrPort]bool{},
		packets: map[netip.AddrPort]*PacketConn{}, port: 40000,
	}
}

// Listen takes an address until the listener is closed; port 0 is a free one.
func (n *Network) Listen(addr netip.AddrPort) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	addr = n.free(addr)
	if n.listeners[addr] != nil {
		return nil, fmt.Errorf("siptest: listen %v: %w", addr, syscall.EADDRINUSE)
	}
	l := &Listener{net: n, addr: addr, queue: make(chan net.Conn, 16), done: make(chan struct{})}
	n.listeners[addr] = l
	return l, nil
}

// free chooses a port unless addr has one. The caller holds the lock.
func (n *Network) free(addr netip.AddrPort) netip.AddrPort {
	if addr.Port() == 0 {
		n.port++
		addr = netip.AddrPortFrom(addr.Addr(), n.port)
	}
	return addr
}

// Dial connects from an address to another. Nobody there refuses; a silenced
// one leaves the caller waiting until ctx ends.
func (n *Network) Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	n.mu.Lock()
	l, silent := n.listeners[to], n.silent[to]
	n.port++
	near := netip.AddrPortFrom(from, n.port)
	n.mu.Unlock()
	if silent {
		<-ctx.Done()
		return nil, fmt.Errorf("siptest: dial %v: %w", to, ctx.Err())
	}
	if l == nil {
		return nil, fmt.Errorf("siptest: dial %v: %w", to, syscall.ECONNREFUSED)
	}
	a, b := pipe(near, to)
	select {
	case l.queue <- b:
	case <-l.done:
		return nil, fmt.Errorf("siptest: dial %v: %w", to, syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, fmt.Errorf("siptest: dial %v: %w", to, ctx.Err())
	}
	n.mu.Lock()
	n.conns = append(n.conns, a, b)
	n.mu.Unlock()
	return a, nil
}

// Silence makes an address swallow new connections, as a telephone without
// power does.
func (n *Network) Silence(addr netip.AddrPort, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.silent[addr] = on
}

// Cut breaks all connections that there are.
func (n *Network) Cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		c.Close()
	}
	n.conns = nil
}

// Freeze makes all connections that there are swallow what is written, without
// breaking them.
func (n *Network) Freeze() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		c.out.mu.Lock()
		c.out.frozen = true
		c.out.mu.Unlock()
	}
}

// Listener is a net.Listener of a Network.
type Listener struct {
	net   *Network
	addr  netip.AddrPort
	queue chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *Listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

func (l *Listener) Close() error {
	l.once.Do(func() {
		l.net.mu.Lock()
		delete(l.net.listeners, l.addr)
		l.net.mu.Unlock()
		close(l.done)
		for {
			select {
			case c := <-l.queue:
				c.Close()
			default:
				return
			}
		}
	})
	return nil
}

// Conn is one end of a connection in memory.
type Conn struct {
	local, remote net.Addr
	in, out       *stream
	reading       deadline
}

func pipe(a, b netip.AddrPort) (*Conn, *Conn) {
	ab, ba := newStream(), newStream()
	x, y := net.TCPAddrFromAddrPort(a), net.TCPAddrFromAddrPort(b)
	return &Conn{local: x, remote: y, in: ba, out: ab, reading: newDeadline()},
		&Conn{local: y, remote: x, in: ab, out: ba, reading: newDeadline()}
}

func (c *Conn) Read(b []byte) (int, error) { return c.in.read(b, &c.reading) }

func (c *Conn) Write(b []byte) (int, error) { return c.out.write(b) }

// Close ends both directions, as a TCP reset does; what was written before can
// still be read.
func (c *Conn) Close() error {
	c.in.close()
	c.out.close()
	return nil
}

func (c *Conn) LocalAddr() net.Addr  { return c.local }
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

func (c *Conn) SetDeadline(t time.Time) error      { return c.SetReadDeadline(t) }
func (c *Conn) SetReadDeadline(t time.Time) error  { c.reading.set(t); return nil }
func (c *Conn) SetWriteDeadline(t time.Time) error { return nil } // a write never waits

// stream is one direction.
type stream struct {
	mu     sync.Mutex
	data   []byte
	ready  chan struct{} // closed and replaced when something changes
	closed bool
	frozen bool
}

func newStream() *stream { return &stream{ready: make(chan struct{})} }

func (s *stream) read(b []byte, d *deadline) (int, error) {
	for {
		s.mu.Lock()
		if len(s.data) > 0 {
			n := copy(b, s.data)
			s.data = s.data[n:]
			s.mu.Unlock()
			return n, nil
		}
		closed, ready := s.closed, s.ready
		s.mu.Unlock()
		if closed {
			return 0, net.ErrClosed
		}
		select {
		case <-ready:
		case <-d.passed():
			return 0, os.ErrDeadlineExceeded
		}
	}
}

func (s *stream) write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, syscall.EPIPE
	}
	if !s.frozen {
		s.data = append(s.data, b...)
		s.changed()
	}
	return len(b), nil
}

func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.changed()
	}
}

func (s *stream) changed() {
	close(s.ready)
	s.ready = make(chan struct{})
}

// deadline is a channel that is closed at a time that may be moved.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	c     chan struct{}
}

func newDeadline() deadline { return deadline{c: make(chan struct{})} }

func (d *deadline) passed() chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.c
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		d.c = make(chan struct{}) // the old one is, or is about to be, closed
	}
	d.timer = nil
	select {
	case <-d.c:
		d.c = make(chan struct{})
	default:
	}
	if t.IsZero() {
		return
	}
	c := d.c
	if wait := time.Until(t); wait > 0 {
		d.timer = time.AfterFunc(wait, func() { close(c) })
	} else {
		close(c)
	}
}
