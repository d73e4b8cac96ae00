package manage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"
)

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
