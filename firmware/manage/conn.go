package manage

import (
	"context"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// connection is one authenticated client.
type connection struct {
	server *Server
	raw    net.Conn
	ssh    *ssh.ServerConn
	who    who
}

// serve is the life of a connection that the door let in.
func (s *Server) serve(ctx context.Context, raw net.Conn, entry *source) {
	defer raw.Close()
	c, channels, requests := s.handshake(ctx, raw)
	s.door.leave(entry, c != nil)
	if c == nil {
		return
	}
	if !s.add(c) {
		s.log.Warn("console: too many connections", "from", raw.RemoteAddr())
		return
	}
	defer s.remove(c)
	c.serve(ctx, channels, requests)
}

// handshake authenticates a client, in time.
func (s *Server) handshake(ctx context.Context, raw net.Conn) (*connection, <-chan ssh.NewChannel, <-chan *ssh.Request) {
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	raw.SetDeadline(time.Now().Add(handshakeTime))
	sc, channels, requests, err := ssh.NewServerConn(raw, s.ssh)
	if err != nil {
		text := err.Error() // may repeat all that the client has sent
		s.log.Debug("console: no handshake", "from", raw.RemoteAddr(), "err", text[:min(300, len(text))])
		return nil, nil, nil
	}
	raw.SetDeadline(time.Time{})
	who := sc.Permissions.ExtraData[whoKey{}].(who)
	s.log.Info("console: let in", "from", raw.RemoteAddr(), "key", ssh.FingerprintSHA256(who.key), "name", who.comment, "role", who.role)
	return &connection{server: s, raw: raw, ssh: sc, who: who}, channels, requests
}

func (s *Server) add(c *connection) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) >= maxConnections {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// serve runs the sessions of a client until it goes away or ctx is done.
func (c *connection) serve(ctx context.Context, channels <-chan ssh.NewChannel, requests <-chan *ssh.Request) {
	ctx, gone := context.WithCancel(ctx)
	defer gone()
	var others, sessions sync.WaitGroup
	defer others.Wait()
	others.Go(func() { ssh.DiscardRequests(requests) }) // port forwarding above all
	others.Go(func() { c.ssh.Wait(); gone() })
	others.Go(func() { c.keepAlive(ctx) })

	slots := make(chan struct{}, maxOfOne)
	for open := true; open; {
		select {
		case <-ctx.Done():
			open = false
		case n, ok := <-channels:
			if !ok {
				open = false
				break
			}
			if n.ChannelType() != "session" {
				n.Reject(ssh.Prohibited, "nothing is forwarded")
				break
			}
			select {
			case slots <- struct{}{}:
				sessions.Go(func() {
					defer func() { <-slots }()
					c.session(ctx, n)
				})
			default:
				n.Reject(ssh.ResourceShortage, "too many sessions on this connection")
			}
		}
	}
	gone()
	others.Go(func() {
		for n := range channels {
			n.Reject(ssh.ResourceShortage, "the phone is going down")
		}
	})
	cut := time.AfterFunc(endTime, func() { c.raw.Close() })
	defer cut.Stop()
	sessions.Wait()
	c.ssh.Close()
}

// keepAlive asks the client again and again whether it lives, and closes the
// connection if not. A client that no longer reads its connection does not live.
func (c *connection) keepAlive(ctx context.Context) {
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		cut := time.AfterFunc(keepAlive, func() { c.raw.Close() })
		_, _, err := c.ssh.SendRequest("keepalive@openssh.com", true, nil)
		cut.Stop()
		if err != nil {
			return
		}
	}
}
