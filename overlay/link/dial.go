package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// dialKey names a dial: by node, or by address while the node is not known.
type dialKey struct {
	id   overlay.ID
	addr netip.AddrPort // of a zero id only
}

// dial is one on its way, and what waits for it.
type dial struct {
	queue  []*outgoing // guarded by Link.mu, as octets
	octets int
}

var errSelf = errors.New("link: that is this node itself")

// dialLocked queues a message for a connection that is not there yet. l.mu is
// held.
func (l *Link) dialLocked(to overlay.Peer, o *outgoing) {
	key := dialKey{id: to.ID}
	if to.ID.IsZero() {
		key.addr = to.Addr
	}
	d := l.dials[key]
	switch {
	case d != nil && (len(d.queue) >= maxQueue || d.octets+o.size() > maxQueueOctets):
		l.drop(QueueFull, "send", "to", to)
	case d != nil:
		d.queue = append(d.queue, o)
		d.octets += o.size()
	case !to.Addr.IsValid() || to.Addr.Addr().IsUnspecified():
		l.drop(Unknown, "send: no address", "to", to)
		l.lose(to.ID)
	case len(l.dials) >= maxDials:
		l.drop(Busy, "send: too many dials", "to", to)
		l.lose(to.ID)
	default:
		d = &dial{queue: []*outgoing{o}, octets: o.size()}
		l.dials[key] = d
		l.wg.Go(func() { l.dial(to, key, d) })
	}
}

// connectTo makes a connection to a node before there is a message for it.
func (l *Link) connectTo(to overlay.Peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := dialKey{id: to.ID}
	if l.closed || l.cut[to.ID] || l.conns[to.ID] != nil || l.dials[key] != nil || len(l.dials) >= maxDials ||
		to.ID == l.cfg.Self.ID || !to.Addr.IsValid() || to.Addr.Addr().IsUnspecified() {
		return
	}
	d := new(dial)
	l.dials[key] = d
	l.wg.Go(func() { l.dial(to, key, d) })
}

// lose says Lost from where nobody may wait.
func (l *Link) lose(id overlay.ID) {
	if !id.IsZero() {
		l.wg.Go(func() { l.deliver(chord.Lost{Peer: id}) })
	}
}

// dial makes a connection and gives it what waits for it.
func (l *Link) dial(to overlay.Peer, key dialKey, d *dial) {
	nc, tcp, id, err := l.connect(to)
	l.mu.Lock()
	delete(l.dials, key)
	waiting := d.queue
	d.queue = nil
	_, instead := l.conns[to.ID]
	l.mu.Unlock()
	if err == nil {
		l.adopt(nc, tcp, overlay.Peer{ID: id, Addr: to.Addr}, true, waiting)
		return
	}
	l.log.Debug("not connected", "peer", to, "err", err)
	for range waiting {
		l.counters.drop(Broken)
	}
	if !to.ID.IsZero() && !instead {
		l.deliver(chord.Lost{Peer: to.ID})
	}
}

// connect makes an authenticated connection to a peer.
func (l *Link) connect(to overlay.Peer) (*tls.Conn, *watched, overlay.ID, error) {
	ctx, cancel := context.WithTimeout(l.ctx, l.dialTime)
	defer cancel()
	dialer := net.Dialer{KeepAliveConfig: keepAlive}
	if a := l.cfg.Self.Addr.Addr(); !a.IsUnspecified() && a.Is4() == to.Addr.Addr().Is4() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0))
	}
	raw, err := dialer.DialContext(ctx, "tcp", to.Addr.String())
	if err != nil {
		return nil, nil, overlay.ID{}, err
	}
	tcp := &watched{Conn: raw}
	nc := tls.Client(tcp, l.cfg.TLS(to.ID))
	err = nc.HandshakeContext(ctx)
	if err != nil {
		raw.Close()
		l.drop(Refused, "dial", "peer", to, "err", err)
		return nil, nil, overlay.ID{}, err
	}
	id, err := l.cfg.NodeOf(nc.ConnectionState())
	switch {
	case err != nil:
	case id == l.cfg.Self.ID:
		err = errSelf
	case !to.ID.IsZero() && id != to.ID:
		err = fmt.Errorf("link: %s answers for %s", id.Short(), to)
	case nc.ConnectionState().Version < tls.VersionTLS13:
		err = errors.New("link: not TLS 1.3")
	default:
		return nc, tcp, id, nil
	}
	raw.Close()
	if !errors.Is(err, errSelf) {
		l.drop(Refused, "dial", "peer", to, "err", err)
	}
	return nil, nil, id, err
}

// keepAlive finds a dead peer on a connection where nothing is sent.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}
