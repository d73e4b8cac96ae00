package siptest

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// ListenPacket is Packets as package stack wants it.
func (n *Network) ListenPacket(addr netip.AddrPort) (net.PacketConn, error) {
	c, err := n.Packets(addr)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Packets takes an address for datagrams, until it is closed; port 0 is a free one.
func (n *Network) Packets(addr netip.AddrPort) (*PacketConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	addr = n.free(addr)
	if n.packets[addr] != nil {
		return nil, fmt.Errorf("siptest: listen %v: %w", addr, syscall.EADDRINUSE)
	}
	c := &PacketConn{net: n, addr: addr, queue: make(chan packet, 256), done: make(chan struct{}), reading: newDeadline()}
	n.packets[addr] = c
	return c, nil
}

// Lose has every datagram for which drop says so vanish; nil loses none.
func (n *Network) Lose(drop func(from, to netip.AddrPort, data []byte) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.drop = drop
}

type packet struct {
	from netip.AddrPort
	data []byte
}

// PacketConn is a net.PacketConn of a Network. Like UDP it says nothing when a
// datagram is lost, because nobody is there or the queue is full.
type PacketConn struct {
	net     *Network
	addr    netip.AddrPort
	queue   chan packet
	done    chan struct{}
	once    sync.Once
	reading deadline
}

func (c *PacketConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-c.queue:
		return copy(b, p.data), net.UDPAddrFromAddrPort(p.from), nil
	case <-c.done:
		return 0, nil, net.ErrClosed
	case <-c.reading.passed():
		return 0, nil, os.ErrDeadlineExceeded
	}
}

func (c *PacketConn) WriteTo(b []byte, to net.Addr) (int, error) {
	select {
	case <-c.done:
		return 0, net.ErrClosed
	default:
	}
	addr, err := netip.ParseAddrPort(to.String())
	if err != nil {
		return 0, err
	}
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	c.net.mu.Lock()
	far, drop := c.net.packets[addr], c.net.drop
	c.net.mu.Unlock()
	if far == nil || drop != nil && drop(c.addr, addr, b) {
		return len(b), nil
	}
	select {
	case far.queue <- packet{c.addr, append([]byte(nil), b...)}:
	default:
	}
	return len(b), nil
}

func (c *PacketConn) Close() error {
	c.once.Do(func() {
		c.net.mu.Lock()
		delete(c.net.packets, c.addr)
		c.net.mu.Unlock()
		close(c.done)
	})
	return nil
}

func (c *PacketConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.addr) }

func (c *PacketConn) SetDeadline(t time.Time) error      { return c.SetReadDeadline(t) }
func (c *PacketConn) SetReadDeadline(t time.Time) error  { c.reading.set(t); return nil }
func (c *PacketConn) SetWriteDeadline(t time.Time) error { return nil } // a write never waits

// Forge has a datagram arrive at an address as if from another.
func (n *Network) Forge(from, to netip.AddrPort, data []byte) {
	n.mu.Lock()
	far := n.packets[to]
	n.mu.Unlock()
	if far == nil {
		return
	}
	select {
	case far.queue <- packet{from, append([]byte(nil), data...)}:
	default:
	}
}
