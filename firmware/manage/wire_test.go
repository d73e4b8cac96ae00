package manage

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// wire is one end of a connection in memory. Unlike those of net.Pipe, a Write
// need not be waited for until so much is on the way.
type wire struct {
	net.Conn
	way    chan []byte
	closed chan struct{}
	once   sync.Once
}

func wires() (client, server *wire) {
	a, b := net.Pipe()
	return newWire(a), newWire(b)
}

func newWire(c net.Conn) *wire {
	w := &wire{Conn: c, way: make(chan []byte, 16), closed: make(chan struct{})}
	go func() {
		for {
			select {
			case p := <-w.way:
				if _, err := c.Write(p); err != nil {
					return
				}
			case <-w.closed:
				return
			}
		}
	}()
	return w
}

func (w *wire) Write(p []byte) (int, error) {
	select {
	case <-w.closed: // even if there is room
		return 0, net.ErrClosed
	default:
	}
	select {
	case w.way <- bytes.Clone(p):
		return len(p), nil
	case <-w.closed:
		return 0, net.ErrClosed
	}
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return w.Conn.Close()
}

// bench is a server in a synctest bubble.
type bench struct {
	*console
	ctx   context.Context
	stop  context.CancelFunc
	conns sync.WaitGroup
}

func newBench(t *testing.T, phone Phone) *bench {
	c := &console{t: t, dir: t.TempDir(), key: newKey(t), logs: new(logs)}
	c.authorize(authorizedLine(c.key))
	c.Server = newServer(Config{Dir: c.dir, Phone: phone, Log: slog.New(slog.NewTextHandler(c.logs, nil))}, newKey(t))
	c.keys.refresh()
	b := &bench{console: c}
	b.ctx, b.stop = context.WithCancel(context.Background())
	return b
}

// connect is a connection that the server serves.
func (b *bench) connect() net.Conn {
	client, server := wires()
	entry, ok := b.door.enter(time.Now(), netip.MustParseAddr("192.0.2.1"))
	if !ok {
		b.t.Fatal("refused")
	}
	b.conns.Go(func() { b.serve(b.ctx, server, entry) })
	return client
}

// login is a client on such a connection.
func (b *bench) login() (net.Conn, *ssh.Client) {
	b.t.Helper()
	conn := b.connect()
	c, channels, requests, err := ssh.NewClientConn(conn, "phone", b.config(ssh.PublicKeys(b.console.key)))
	if err != nil {
		b.t.Fatal(err)
	}
	return conn, ssh.NewClient(c, channels, requests)
}

func (b *bench) end() {
	b.stop()
	b.conns.Wait()
	if b.door.pending != 0 || len(b.Server.conns) != 0 || len(b.sessions) != 0 {
		b.t.Errorf("left: %d handshakes, %d connections, %d sessions", b.door.pending, len(b.Server.conns), len(b.sessions))
	}
}
