package discover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// The multicast groups and the port. // RFC 6762, section 3
const mdnsPort = 5353

var (
	groupV4 = &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: mdnsPort}
	groupV6 = &net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: mdnsPort}
)

const (
	maxRate    = 300 // packets taken in a second, all links together
	queueLimit = 64  // packets waiting for the machine
)

// sockets is the real network: one socket for each address family, shared with other
// mDNS programs of this machine, that joins the group on one interface after another.
type sockets struct {
	log     *slog.Logger
	v4      *ipv4.PacketConn // nil: this family is not to be had
	v6      *ipv6.PacketConn
	joined  map[linkID]bool // belongs to the caller of Links
	monitor *monitor
	queue   chan packet
	dropped atomic.Uint64
	done    sync.WaitGroup
	closing chan struct{}

	mu     sync.Mutex
	bucket bucket
}

func openSockets(log *slog.Logger) (network, error) {
	s := &sockets{
		log:     log,
		joined:  make(map[linkID]bool),
		queue:   make(chan packet, queueLimit),
		closing: make(chan struct{}),
		bucket:  bucket{tokens: maxRate},
	}
	var err4, err6 error
	s.v4, err4 = openV4()
	s.v6, err6 = openV6()
	if s.v4 == nil && s.v6 == nil {
		return nil, errors.Join(err4, err6)
	}
	if err := errors.Join(err4, err6); err != nil {
		log.Info("discovery has one address family only", "err", err)
	}
	if s.v4 != nil {
		s.done.Go(func() { s.read(s.readV4, groupV4.IP) })
	}
	if s.v6 != nil {
		s.done.Go(func() { s.read(s.readV6, groupV6.IP) })
	}
	s.monitor = newMonitor(log)
	return s, nil
}

// Given a group, net makes the socket shareable and binds it to all addresses.
func openV4() (*ipv4.PacketConn, error) {
	var lc net.ListenConfig
	c, err := lc.ListenPacket(context.Background(), "udp4", groupV4.String())
	if err != nil {
		return nil, err
	}
	p := ipv4.NewPacketConn(c)
	err = errors.Join(
		p.SetControlMessage(ipv4.FlagInterface|ipv4.FlagDst, true),
		p.SetMulticastTTL(255),       // RFC 6762, section 11
		p.SetMulticastLoopback(true)) // for other phones of this machine; section 15
	if err != nil {
		c.Close()
		return nil, err
	}
	return p, nil
}

func openV6() (*ipv6.PacketConn, error) {
	var lc net.ListenConfig
	c, err := lc.ListenPacket(context.Background(), "udp6", groupV6.String())
	if err != nil {
		return nil, err
	}
	p := ipv6.NewPacketConn(c)
	err = errors.Join(
		p.SetControlMessage(ipv6.FlagInterface|ipv6.FlagDst, true),
		p.SetMulticastHopLimit(255),
		p.SetMulticastLoopback(true))
	if err != nil {
		c.Close()
		return nil, err
	}
	return p, nil
}

// received is one packet before it is looked at.
type received struct {
	n    int
	link linkID
	dst  net.IP // nil: not known
	src  net.Addr
}

func (s *sockets) readV4(buf []byte) (r received, err error) {
	n, cm, src, err := s.v4.ReadFrom(buf)
	r = received{n: n, src: src}
	if cm != nil {
		r.link, r.dst = linkID{cm.IfIndex, false}, cm.Dst
	}
	return r, err
}

func (s *sockets) readV6(buf []byte) (r received, err error) {
	n, cm, src, err := s.v6.ReadFrom(buf)
	r = received{n: n, src: src}
	if cm != nil {
		r.link, r.dst = linkID{cm.IfIndex, true}, cm.Dst
	}
	return r, err
}

func (s *sockets) Close() error {
	close(s.closing)
	if s.v4 != nil {
		s.v4.Close()
	}
	if s.v6 != nil {
		s.v6.Close()
	}
	s.monitor.Close()
	s.done.Wait()
	return nil
}

func (s *sockets) Changed() <-chan struct{} { return s.monitor.changed }
func (s *sockets) Receive() <-chan packet   { return s.queue }
func (s *sockets) Dropped() uint64          { return s.dropped.Load() }

func (s *sockets) Send(id linkID, data []byte) error {
	if id.V6 {
		_, err := s.v6.WriteTo(data, &ipv6.ControlMessage{IfIndex: id.Index}, groupV6)
		return err
	}
	_, err := s.v4.WriteTo(data, &ipv4.ControlMessage{IfIndex: id.Index}, groupV4)
	return err
}

// read passes on what came by multicast; anything else may come from far away, and
// is dropped. // RFC 6762, section 11
func (s *sockets) read(next func([]byte) (received, error), group net.IP) {
	buf := make([]byte, maxPacket+1)
	for {
		r, err := next(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// An error of one packet (ICMP, no memory): it is consumed, but
			// let nothing make this spin.
			select {
			case <-s.closing:
				return
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		udp, ok := r.src.(*net.UDPAddr)
		if !ok || !r.dst.Equal(group) || r.n > maxPacket || !s.allow() {
			s.dropped.Add(1)
			continue
		}
		p := packet{Link: r.link, From: udp.AddrPort(), Data: slices.Clone(buf[:r.n])}
		select {
		case s.queue <- p:
		default:
			s.dropped.Add(1)
		}
	}
}

func (s *sockets) allow() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bucket.take(time.Now())
}

// bucket lets maxRate packets through in a second, and as many in one burst.
type bucket struct {
	tokens float64
	at     time.Time
}

func (b *bucket) take(now time.Time) bool {
	b.tokens = min(b.tokens+now.Sub(b.at).Seconds()*maxRate, maxRate)
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// Links lists the links that can be used, having joined the group there.
func (s *sockets) Links(names []string) []linkState {
	ifs, err := net.Interfaces()
	if err != nil {
		s.log.Debug("network interfaces", "err", err)
		return nil
	}
	var links []linkState
	for _, ifi := range ifs {
		const need = net.FlagUp | net.FlagRunning | net.FlagMulticast
		if ifi.Flags&(need|net.FlagLoopback|net.FlagPointToPoint) != need || len(names) > 0 && !slices.Contains(names, ifi.Name) {
			continue
		}
		addrs, v4, v6 := prefixes(&ifi)
		for _, l := range []struct{ v6, ok bool }{{false, v4 && s.v4 != nil}, {true, v6 && s.v6 != nil}} {
			if !l.ok || len(links) == maxLinks {
				continue
			}
			id := linkID{ifi.Index, l.v6}
			if err := s.join(&ifi, id); err != nil {
				s.log.Debug("cannot join the multicast group", "interface", ifi.Name, "err", err)
				continue
			}
			links = append(links, linkState{id, ifi.Name, addrs})
		}
	}
	for id := range s.joined {
		if !slices.ContainsFunc(links, func(l linkState) bool { return l.linkID == id }) {
			s.leave(id)
		}
	}
	return links
}

// prefixes are the addresses of an interface, and which families they are of.
func prefixes(ifi *net.Interface) (list []netip.Prefix, v4, v6 bool) {
	addrs, _ := ifi.Addrs() // an error means that it has just gone
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, _ := netip.AddrFromSlice(n.IP)
		ones, _ := n.Mask.Size()
		p := netip.PrefixFrom(ip.Unmap(), ones)
		if !p.IsValid() {
			continue
		}
		list = append(list, p)
		v4, v6 = v4 || p.Addr().Is4(), v6 || p.Addr().Is6()
	}
	return list, v4, v6
}

func (s *sockets) join(ifi *net.Interface, id linkID) (err error) {
	if s.joined[id] {
		return nil
	}
	if id.V6 {
		err = s.v6.JoinGroup(ifi, groupV6)
	} else {
		err = s.v4.JoinGroup(ifi, groupV4)
	}
	if err != nil {
		return fmt.Errorf("joining %v: %w", id, err)
	}
	s.joined[id] = true
	return nil
}

// leave forgets a link. If its interface is gone, so is the membership.
func (s *sockets) leave(id linkID) {
	delete(s.joined, id)
	ifi := &net.Interface{Index: id.Index}
	if id.V6 {
		s.v6.LeaveGroup(ifi, groupV6)
	} else {
		s.v4.LeaveGroup(ifi, groupV4)
	}
}
