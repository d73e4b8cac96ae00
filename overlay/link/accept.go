package link

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"time"

	"chordophone/overlay"
)

var errStranger = errors.New("link: no certificate")

// accept takes connections until the listener is closed.
func (l *Link) accept() {
	for {
		raw, err := l.listener.Accept()
		if err != nil {
			if l.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			l.log.Warn("accept", "err", err) // out of files: wait for some to close
			select {
			case <-time.After(100 * time.Millisecond):
				continue
			case <-l.ctx.Done():
				return
			}
		}
		from := raw.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
		if !l.admit(from) {
			l.drop(Busy, "connection", "from", from)
			raw.Close()
			continue
		}
		l.wg.Go(func() {
			l.greet(raw, from)
		})
	}
}

// admit counts a handshake that begins, unless there are too many.
func (l *Link) admit(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.nHandshake >= maxHandshakes || l.handshakes[from] >= maxHandshakesIP {
		return false
	}
	l.nHandshake++
	l.handshakes[from]++
	return true
}

// dismiss counts its end.
func (l *Link) dismiss(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nHandshake--
	if l.handshakes[from]--; l.handshakes[from] == 0 {
		delete(l.handshakes, from)
	}
}

// greet finds out who has dialled.
func (l *Link) greet(raw net.Conn, from netip.Addr) {
	if t, ok := raw.(*net.TCPConn); ok {
		t.SetKeepAliveConfig(keepAlive)
	}
	tcp := &watched{Conn: raw}
	nc := tls.Server(tcp, l.cfg.ServerTLS)
	ctx, cancel := context.WithTimeout(l.ctx, handshakeTimeout)
	err := nc.HandshakeContext(ctx)
	cancel()
	l.dismiss(from)
	if err == nil && nc.ConnectionState().NegotiatedProtocol == EnrolALPN {
		l.enrol(nc, from)
		return
	}
	var id overlay.ID
	if err == nil {
		id, err = l.nodeOf(nc.ConnectionState())
	}
	if err != nil {
		l.drop(Refused, "connection", "from", from, "err", err)
		raw.Close()
		return
	}
	if nc.ConnectionState().NegotiatedProtocol == UpdateALPN {
		if l.cfg.Update == nil {
			l.drop(Refused, "update", "from", from)
			raw.Close()
			return
		}
		l.cfg.Update(l.ctx, nc, id)
		return
	}
	l.adopt(nc, tcp, overlay.Peer{ID: id}, false, nil)
}

// nodeOf is the member at the other end, which must have shown a certificate
// whatever ServerTLS asks for.
func (l *Link) nodeOf(state tls.ConnectionState) (overlay.ID, error) {
	if len(state.PeerCertificates) == 0 || state.Version < tls.VersionTLS13 {
		return overlay.ID{}, errStranger
	}
	id, err := l.cfg.NodeOf(state)
	if err == nil && id == l.cfg.Self.ID {
		err = errSelf
	}
	return id, err
}

// enrol hands a connection to Config.Enrol.
func (l *Link) enrol(nc *tls.Conn, from netip.Addr) {
	l.mu.Lock()
	busy := l.cfg.Enrol == nil || l.nEnrol >= maxEnrol
	if !busy {
		l.nEnrol++
	}
	l.mu.Unlock()
	if busy {
		l.drop(Refused, "enrolment", "from", from)
		nc.Close()
		return
	}
	ctx, cancel := context.WithTimeout(l.ctx, enrolTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { nc.NetConn().Close() })
	defer stop()
	l.cfg.Enrol(ctx, nc)
	nc.Close()
	l.mu.Lock()
	l.nEnrol--
	l.mu.Unlock()
}
