package stack

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// accept takes connections until the listener is closed.
func (s *Stack) accept(l net.Listener, t Transport) {
	for {
		c, err := l.Accept()
		if err != nil {
			if s.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			s.log.Warn("sip: accept", "error", err)
			select {
			case <-time.After(100 * time.Millisecond): // out of descriptors, say
			case <-s.ctx.Done():
				return
			}
			continue
		}
		from := addrPort(c.RemoteAddr()).Addr()
		if t == TCP { // handshakes that stand still must not keep these out
			if !s.gate.pass(time.Now(), from) {
				s.turnAway(c)
				continue
			}
			keepAlive(c)
			s.admit(&Flow{stack: s, transport: t, inbound: true}, c)
			continue
		}
		ctx, cancel := context.WithTimeout(s.ctx, handshakeTime)
		leave, ok := s.gate.enter(time.Now(), from, cancel)
		if !ok {
			cancel()
			s.turnAway(c)
			continue
		}
		keepAlive(c)
		s.side.Go(func() {
			defer cancel()
			f := &Flow{stack: s, transport: t, inbound: true}
			tc := tls.Server(c, s.cfg.ServerTLS)
			var err error
			f.peer, err = s.handshakeOf(ctx, tc)
			leave()
			if err != nil {
				s.log.Debug("sip: refused a connection", "from", c.RemoteAddr(), "error", err)
				s.turnAway(c)
				return
			}
			s.admit(f, tc)
		})
	}
}

func (s *Stack) turnAway(c net.Conn) {
	s.count.turnedAway.Add(1)
	c.Close()
}

// admit hands a connection that came in to the loop.
func (s *Stack) admit(f *Flow, c net.Conn) {
	f.over(c)
	if !s.box.post(job{f: func() { s.add(f) }}) {
		c.Close()
	}
}

// add takes a connection into service, within the bounds: for a stranger's sake
// only strangers' go.
func (s *Stack) add(f *Flow) bool {
	var stranger, ofHost, known, ofPeer *Flow // the one used longest ago of each
	hosts, peers := 0, 0
	n := 0
	for g := range s.flows {
		if !g.alive {
			continue
		}
		n++
		switch {
		case !g.trusted() && g.inbound:
			stranger = oldest(stranger, g)
			if g.remote.Addr() == f.remote.Addr() {
				hosts++
				ofHost = oldest(ofHost, g)
			}
		case len(g.clients) == 0 && len(g.servers) == 0:
			known = oldest(known, g)
			if g.inbound && g.peer != "" && g.peer == f.peer {
				ofPeer = oldest(ofPeer, g)
			}
		}
		if g.inbound && g.peer != "" && g.peer == f.peer {
			peers++
		}
	}
	if f.inbound && f.peer == "" && hosts >= s.cfg.Limits.FlowsPerHost {
		ofHost.Close()
		n--
	}
	if f.inbound && f.peer != "" && peers >= maxPerPeer && ofPeer != nil {
		ofPeer.Close()
		n--
	}
	if n >= s.cfg.Limits.Flows {
		victim := stranger
		if victim == nil && (f.peer != "" || !f.inbound) {
			victim = known
		}
		if victim == nil {
			s.count.turnedAway.Add(1)
			f.conn.Conn.Close()
			return false
		}
		if victim.alive {
			victim.Close()
		}
	}
	if f.inbound {
		s.count.accepted.Add(1)
		if f.peer != "" {
			s.gate.know(f.remote.Addr())
		}
	}
	s.serial++
	f.serial, f.used = s.serial, time.Now()
	s.flows[f] = struct{}{}
	s.count.connectionsNow.Store(int64(len(s.flows)))
	s.side.Go(f.conn.write)
	s.side.Go(func() {
		err := s.serve(f, f.conn)
		s.log.Debug("sip: connection ended", "peer", f.peer, "from", f.remote, "error", err)
		if !s.box.post(job{f: func() { s.lost(f) }}) {
			f.conn.close()
		}
	})
	return true
}

func oldest(a, b *Flow) *Flow {
	if a == nil || b.used.Before(a.used) || b.used.Equal(a.used) && b.serial < a.serial {
		return b
	}
	return a
}
