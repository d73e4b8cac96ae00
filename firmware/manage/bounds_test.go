package manage

import (
	"cmp"
	"io"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestConcurrentSessions(t *testing.T) {
	c := start(t, new(fakePhone))
	var all sync.WaitGroup
	for range 6 {
		client := c.dial()
		for range 5 {
			all.Go(func() {
				out, errOut, status := do(t, client, "status --json")
				if !strings.Contains(out, `"extension":"101"`) || errOut != "" || status != 0 {
					t.Errorf("%q %q %d", out, errOut, status)
				}
			})
		}
	}
	all.Wait()
}

// More sessions than there may be are refused, and what ended makes room.
func TestSessionsAreBounded(t *testing.T) {
	phone := &fakePhone{stuck: make(chan string, 2*maxSessions)}
	c := start(t, phone)
	var full []*ssh.Client
	for n := 0; n < maxSessions; {
		client := c.dial()
		full = append(full, client)
		for range min(maxOfOne, maxSessions-n) {
			session, err := client.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			if err := session.Start("lookup slow"); err != nil {
				t.Fatal(err)
			}
			<-phone.stuck
			n++
		}
	}
	if _, err := full[0].NewSession(); err == nil {
		t.Error("a connection has more sessions than it may")
	}
	client := c.dial()
	if _, errOut, status := do(t, client, "version"); status != exitFailed || !strings.Contains(errOut, "busy") {
		t.Errorf("%q %d", errOut, status)
	}
	full[0].Close() // ends its commands
	for {
		if _, _, status := do(t, client, "version"); status == 0 {
			break
		}
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	c := start(t, new(fakePhone))
	var full []*ssh.Client
	for range maxConnections {
		client := c.dial()
		do(t, client, "version") // so that it is counted: a client is let in a moment before
		full = append(full, client)
	}
	if _, err := openSession(c.dial()); err == nil {
		t.Error("one more")
	}
	full[0].Close()
	for {
		session, err := openSession(c.dial())
		if err == nil {
			session.Close()
			return
		}
	}
}

// openSession is client.NewSession for a connection that may be closed just now:
// then that waits for ever for an answer (x/crypto/ssh forgets whom it would tell).
func openSession(client *ssh.Client) (*ssh.Session, error) {
	type result struct {
		session *ssh.Session
		err     error
	}
	opened, gone := make(chan result, 1), make(chan error, 1)
	go func() {
		session, err := client.NewSession()
		opened <- result{session, err}
	}()
	go func() { gone <- cmp.Or(client.Wait(), io.EOF) }()
	select {
	case r := <-opened:
		return r.session, r.err
	case err := <-gone:
		return nil, err
	}
}
