package manage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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

// Who is slow has the same time as everybody.
func TestSlowHandshakes(t *testing.T) {
	for name, send := range map[string]func(net.Conn){
		"silent":      func(net.Conn) {},
		"no keys yet": func(c net.Conn) { io.WriteString(c, "SSH-2.0-slow\r\n") },
		"octet by octet": func(c net.Conn) {
			for _, b := range []byte("SSH-2.0-" + strings.Repeat("slow", 20)) {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(900 * time.Millisecond)
			}
		},
		"a large packet octet by octet": func(c net.Conn) {
			io.WriteString(c, "SSH-2.0-slow\r\n\x00\x03\xff\x00")
			for {
				if _, err := c.Write([]byte{20}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, new(fakePhone))
				begin := time.Now()
				c := b.connect()
				defer c.Close()
				var sender sync.WaitGroup
				sender.Go(func() { send(c) })
				defer sender.Wait()
				io.Copy(io.Discard, c)
				if took := time.Since(begin); took != handshakeTime {
					t.Errorf("ended after %v", took)
				}
				c.Close()
				b.end()
			})
		})
	}
}

func TestGarbage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, new(fakePhone))
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range burst {
			c := b.connect()
			go io.Copy(io.Discard, c)
			if i%2 == 0 {
				io.WriteString(c, "SSH-2.0-x\r\n")
			}
			junk := make([]byte, 1+rng.IntN(2000))
			for j := range junk {
				junk[j] = byte(rng.Uint32())
			}
			c.Write(junk)
			synctest.Wait()
			c.Close()
		}
		b.end()
		if n := b.logs.count(`msg="console: let in"`); n != 0 {
			t.Errorf("%d let in", n)
		}
	})
}

// A client that no longer answers is given up, and so is what it had running.
func TestDeadClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phone := &fakePhone{packets: 1, ended: make(chan error, 1)}
		b := newBench(t, phone)
		client, server := wires()
		entry, _ := b.door.enter(time.Now(), netip.MustParseAddr("192.0.2.1"))
		b.conns.Go(func() { b.serve(b.ctx, server, entry) })
		c, channels, _, err := ssh.NewClientConn(client, "phone", b.config(ssh.PublicKeys(b.console.key)))
		if err != nil {
			t.Fatal(err)
		}
		// Nobody answers the server's questions here.
		unanswered := make(chan *ssh.Request)
		defer close(unanswered)
		session, err := ssh.NewClient(c, channels, unanswered).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if err := session.Start("capture"); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := <-phone.ended; err == nil {
			t.Error("no error")
		}
		if took := time.Since(begin); took > 2*keepAlive {
			t.Errorf("given up after %v", took)
		}
		client.Close()
		b.end()
	})
}

// One that answers is kept, however long it says nothing.
func TestIdleClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, new(fakePhone))
		conn, client := b.login()
		time.Sleep(24 * time.Hour)
		if out, _, status := do(t, client, "version"); status != 0 {
			t.Errorf("%q, %d", out, status)
		}
		conn.Close()
		b.end()
	})
}

// A key that is taken away takes its connections with it.
func TestWithdrawnKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, new(fakePhone))
		b.conns.Go(func() { b.watchKeys(b.ctx) })
		_, out := b.login()
		other := newKey(t)
		time.Sleep(time.Minute)
		b.authorize(authorizedLine(b.console.key), authorizedLine(other))
		b.console.key = other
		_, stays := b.login()
		time.Sleep(time.Minute)
		b.authorize(authorizedLine(other))
		begin := time.Now()
		out.Wait()
		if took := time.Since(begin); took > 2*keysEvery {
			t.Errorf("after %v", took)
		}
		if _, _, status := do(t, stays, "version"); status != 0 {
			t.Error("the other key was taken, too")
		}
		stays.Close()
		b.end()
	})
}

// What the ring does not answer ends in time.
func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &fakePhone{stuck: make(chan string, 1)})
		conn, client := b.login()
		begin := time.Now()
		_, errOut, status := do(t, client, "lookup slow")
		if errOut != "lookup: no answer in time (hint: ring says whether this phone is in the ring)\n" || status != exitFailed {
			t.Errorf("%q %d", errOut, status)
		}
		if took := time.Since(begin); took != askTime {
			t.Errorf("after %v", took)
		}
		conn.Close()
		b.end()
	})
}

// A reader that is too slow loses whole packets, and is told how many.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phone := &fakePhone{ended: make(chan error, 1)}
		b := newBench(t, phone)
		conn, client := b.login()
		session, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		out, _ := session.StdoutPipe()
		var errOut bytes.Buffer
		session.Stderr = &errOut
		if err := session.Start("capture --json --for 10ms"); err != nil {
			t.Fatal(err)
		}
		<-phone.ended // it was not held up
		file, err := io.ReadAll(out)
		if err != nil {
			t.Fatal(err)
		}
		if err := session.Wait(); err != nil {
			t.Fatal(err)
		}
		packets := 0
		for rest := file[len(pcapHeader):]; len(rest) > 0; packets++ {
			if len(rest) < 16 || binary.LittleEndian.Uint32(rest[8:]) != 1000 || len(rest) < 1016 {
				t.Fatalf("packet %d is damaged", packets)
			}
			rest = rest[1016:]
		}
		var bytes, dropped int
		if _, err := fmt.Sscanf(errOut.String(), `{"bytes":%d,"dropped":%d}`, &bytes, &dropped); err != nil {
			t.Fatalf("%v: %q", err, errOut.String())
		}
		if bytes != len(file) || dropped == 0 || packets == 0 {
			t.Errorf("%d octets (said: %d), %d packets, %d dropped", len(file), bytes, packets, dropped)
		}
		conn.Close()
		b.end()
	})
}

// The spool holds no more than it may, and ends with its reader.
func TestSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := net.Pipe()
		s := newSpool(w)
		p := make([]byte, maxSpool/4)
		for range 10 {
			if n, err := s.Write(p); n != len(p) || err != nil {
				t.Fatal(n, err)
			}
		}
		synctest.Wait()
		if s.size > maxSpool || s.dropped != 6 {
			t.Errorf("holds %d, dropped %d", s.size, s.dropped)
		}
		if _, err := io.ReadFull(r, make([]byte, 3*len(p))); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.Write(p)
		r.Close()
		synctest.Wait()
		if _, err := s.Write(p); !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
		if written, dropped := s.close(); written < int64(3*len(p)) || dropped != 6 {
			t.Errorf("wrote %d, dropped %d", written, dropped)
		}
	})
}

// A flood from one address costs a bounded number of handshakes, and another
// address gets in meanwhile.
func TestFlood(t *testing.T) {
	c := start(t, new(fakePhone))
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}, Timeout: 5 * time.Second}
	var all sync.WaitGroup
	var mu sync.Mutex
	var held []net.Conn
	greeted := 0
	for range 4 {
		all.Go(func() {
			for range 50 {
				conn, err := dialer.Dial("tcp", c.Addr().String())
				if err != nil {
					continue // reset before we knew
				}
				n, _ := conn.Read(make([]byte, 3))
				mu.Lock()
				held = append(held, conn)
				if n > 0 {
					greeted++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if greeted != maxPerSource {
		t.Errorf("%d of 200 connections served at once", greeted)
	}
	do(t, c.dial(), "version")
	for _, conn := range held {
		conn.Close()
	}
	if n := c.logs.count("too many connections without"); n != 1 {
		t.Errorf("%d lines of log", n)
	}
}

// Who guesses keys gets few tries, and none right.
func TestGuessing(t *testing.T) {
	c := start(t, new(fakePhone))
	cfg := c.config(ssh.PublicKeys(newKey(t)))
	refused, locked := 0, 0
	for range 2 * burst {
		switch err := c.refused(cfg); {
		case strings.Contains(err.Error(), "unable to authenticate"):
			refused++
		default:
			locked++
		}
	}
	if refused < burst || refused > burst+2 || locked != 2*burst-refused {
		t.Errorf("%d tried, %d locked out", refused, locked)
	}
}

// A file that is too large, or no file, opens to nobody.
func TestStrangeKeyFiles(t *testing.T) {
	c := start(t, new(fakePhone))
	path := filepath.Join(c.dir, AuthorizedKeysFile)
	line := authorizedLine(c.key)
	if err := os.WriteFile(path, []byte(line+"\n"+strings.Repeat("#", maxKeyFile)), 0o600); err != nil {
		t.Fatal(err)
	}
	c.refused(c.config(ssh.PublicKeys(c.key)))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	c.refused(c.config(ssh.PublicKeys(c.key)))
}

// quitter hangs up instead of its last write.
type quitter struct {
	net.Conn
	writes int
}

func (q *quitter) Write(p []byte) (int, error) {
	if q.writes--; q.writes < 0 {
		q.Close()
		return 0, net.ErrClosed
	}
	return q.Conn.Write(p)
}

// A client may hang up wherever it likes.
func TestHangUp(t *testing.T) {
	const most = 40
	in := 0
	for n := range most {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, new(fakePhone))
			conn := &quitter{b.connect(), n}
			defer conn.Close()
			c, channels, requests, err := ssh.NewClientConn(conn, "phone", b.config(ssh.PublicKeys(b.console.key)))
			if err == nil {
				in++
				client := ssh.NewClient(c, channels, requests)
				if session, err := client.NewSession(); err == nil {
					session.Run("status")
				}
				client.Close()
			}
			b.end()
		})
	}
	if in == 0 || in == most {
		t.Errorf("let in %d times of %d: not hung up in the handshake, or never after it", in, most)
	}
}
