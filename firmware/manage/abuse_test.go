package manage

import (
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"
)

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
