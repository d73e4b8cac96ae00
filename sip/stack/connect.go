package stack

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	maxPerPeer    = 4 // inbound connections of one phone
	handshakeTime = 5 * time.Second
)

// Target is where a request is to go.
type Target struct {
	Transport Transport
	Addr      netip.AddrPort
	Peer      string // the phone that must be there, "102@office"; empty: anybody. TLS to nobody in particular checks no certificate
	Fresh     bool   // not over a connection that is there already
}

// Connect finds or makes a flow. then is called in the loop, perhaps at once.
// reused says that the connection was there already, and may be dead without
// anybody knowing.
func (s *Stack) Connect(to Target, then func(f *Flow, reused bool, err error)) {
	to.Addr = netip.AddrPortFrom(to.Addr.Addr().Unmap(), to.Addr.Port())
	to.Peer = strings.ToLower(to.Peer)
	switch {
	case !to.Addr.IsValid() || to.Addr.Port() == 0 || to.Transport > TLS:
		then(nil, false, fmt.Errorf("%w: %v is nowhere to connect to", ErrFlow, to.Addr))
		return
	case to.Transport == UDP:
		f, err := s.udpFlow(to.Addr)
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrFlow, err)
		}
		then(f, false, err)
		return
	case !to.Fresh:
		if f := s.reusable(to); f != nil {
			then(f, true, nil)
			return
		}
	}
	to.Fresh = false
	waiting := s.dialling[to]
	s.dialling[to] = append(waiting, func(f *Flow, err error) { then(f, false, err) })
	if len(waiting) > 0 {
		return // several at once share it
	}
	s.side.Go(func() {
		f, err := s.dial(to)
		posted := s.box.post(job{f: func() {
			if err == nil && !s.add(f) {
				err = fmt.Errorf("%w: too many connections", ErrFlow)
			}
			waiting := s.dialling[to]
			delete(s.dialling, to)
			for _, then := range waiting {
				if err != nil {
					then(nil, err)
				} else {
					then(f, nil)
				}
			}
		}})
		if !posted && err == nil {
			f.conn.Conn.Close()
		}
	})
}

// reusable is the connection used last that leads where to says. A phone's serve in
// both directions (RFC 5923: each side has shown its certificate).
func (s *Stack) reusable(to Target) *Flow {
	var best *Flow
	for f := range s.flows {
		switch {
		case f.transport != to.Transport || !f.alive:
		case to.Peer != "" && (f.peer != to.Peer || f.remote.Addr() != to.Addr.Addr()):
		case to.Peer == "" && f.remote != to.Addr:
		case best == nil, f.used.After(best.used), f.used.Equal(best.used) && f.serial > best.serial:
			best = f
		}
	}
	return best
}

func (s *Stack) dial(to Target) (*Flow, error) {
	ctx, cancel := context.WithTimeout(s.ctx, connectTime)
	defer cancel()
	c, err := s.net.Dial(ctx, s.cfg.Listen, to.Addr)
	if err != nil {
		return nil, fmt.Errorf("%w: connect: %w", ErrFlow, err)
	}
	f := &Flow{stack: s, transport: to.Transport}
	if to.Transport == TLS {
		tc := tls.Client(c, s.clientTLS(to))
		if f.peer, err = s.handshakeOf(ctx, tc); err != nil {
			c.Close()
			return nil, fmt.Errorf("%w: %w", ErrFlow, err)
		}
		if to.Peer != "" && f.peer != to.Peer {
			c.Close()
			return nil, fmt.Errorf("%w: %v is the phone of %q, not of %q", ErrFlow, to.Addr, f.peer, to.Peer)
		}
		c = tc
	}
	f.over(c)
	return f, nil
}

// clientTLS demands a certificate of the office only where a phone is wanted.
func (s *Stack) clientTLS(to Target) *tls.Config {
	c := s.cfg.ClientTLS.Clone()
	if to.Peer == "" {
		c.InsecureSkipVerify, c.VerifyConnection, c.VerifyPeerCertificate = true, nil, nil
		c.MinVersion = tls.VersionTLS12
	}
	if c.ServerName == "" && !c.InsecureSkipVerify {
		c.ServerName = to.Addr.Addr().String()
	}
	return c
}

// handshakeOf does the handshake and says which phone is at the other end, or "" for
// a stranger.
func (s *Stack) handshakeOf(ctx context.Context, c *tls.Conn) (string, error) {
	if err := c.HandshakeContext(ctx); err != nil {
		return "", fmt.Errorf("TLS handshake: %w", err)
	}
	state := c.ConnectionState()
	if len(state.PeerCertificates) == 0 {
		return "", nil
	}
	user, err := s.cfg.PeerUser(state)
	if err != nil {
		s.log.Debug("sip: a certificate not of this office", "from", c.RemoteAddr(), "error", err)
		return "", nil
	}
	return strings.ToLower(strings.TrimPrefix(user, "sip:")), nil
}

// over puts the flow on a connection.
func (f *Flow) over(c net.Conn) {
	f.conn, f.alive = newConn(c), true
	f.local, f.remote = addrPort(c.LocalAddr()), addrPort(c.RemoteAddr())
	f.clients, f.servers = map[*client]struct{}{}, map[*served]struct{}{}
	f.conn.known.Store(f.peer != "" || f.stack.cfg.Trusted(f.remote.Addr()))
	f.conn.idle.Store(int64(strangerTime))
	if f.peer != "" || !f.inbound {
		f.conn.idle.Store(int64(idleTime))
	}
}

// Flows are the connections there are, the first begun first: for a status, and to
// close those of a phone that was revoked. It is for the loop.
func (s *Stack) Flows() []*Flow {
	return bySerial(s.flows, func(f *Flow) uint64 { return f.serial })
}

// lost ends what cannot live without the flow.
func (s *Stack) lost(f *Flow) {
	if f.gone {
		return
	}
	f.gone = true
	f.Close()
	delete(s.flows, f)
	delete(s.tokens, f.token)
	s.count.connectionsNow.Store(int64(len(s.flows)))
	for _, t := range bySerial(f.servers, func(t *served) uint64 { return t.serial }) {
		s.endServer(t)
	}
	for _, c := range bySerial(f.clients, func(c *client) uint64 { return c.serial }) {
		s.endClient(c, fmt.Errorf("%w: %v", ErrFlow, f.remote))
	}
	s.cfg.Handler.Lost(f)
}

// bySerial is a set in the order in which its members began.
func bySerial[T comparable](set map[T]struct{}, serial func(T) uint64) []T {
	list := make([]T, 0, len(set))
	for x := range set {
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b T) int {
		if serial(a) < serial(b) {
			return -1
		}
		return 1
	})
	return list
}
