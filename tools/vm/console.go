package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// administrator is who looks after a telephone by SSH.
type administrator struct {
	key       ssh.Signer
	addresses []string // of the console: one of them

	mu   sync.Mutex
	host ssh.PublicKey // of the telephone; the first that is seen must stay
}

func newAdministrator(addresses ...string) (*administrator, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := ssh.NewSignerFromKey(private)
	return &administrator{key: key, addresses: addresses}, err
}

// authorized is the line for the telephone's authorized_keys.
func (a *administrator) authorized() string {
	return string(ssh.MarshalAuthorizedKey(a.key.PublicKey()))
}

// console is a connection to the telephone's console.
type console struct{ *ssh.Client }

// connect connects to an address once.
func (a *administrator) connect(ctx context.Context, address string, limit time.Duration) (*console, error) {
	conn, err := (&net.Dialer{Timeout: limit}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(limit))
	c, channels, requests, err := ssh.NewClientConn(conn, address, &ssh.ClientConfig{
		User: "admin", Auth: []ssh.AuthMethod{ssh.PublicKeys(a.key)},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			a.mu.Lock()
			defer a.mu.Unlock()
			if a.host == nil {
				a.host = key
			}
			if string(a.host.Marshal()) != string(key.Marshal()) {
				return fmt.Errorf("the telephone has another host key: %s, not %s", ssh.FingerprintSHA256(key), ssh.FingerprintSHA256(a.host))
			}
			return nil
		},
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	return &console{ssh.NewClient(c, channels, requests)}, nil
}

// run runs a command, at most for a minute, and reads its JSON.
func (c *console) run(into any, command ...string) error {
	s, err := c.NewSession()
	if err != nil {
		return err
	}
	defer s.Close()
	defer time.AfterFunc(time.Minute, func() { c.Close() }).Stop()
	var text strings.Builder
	s.Stderr = &text
	line := strings.Join(command, " ") + " --json"
	out, err := s.Output(line)
	if err != nil {
		return fmt.Errorf("%s: %w: %s", line, err, text.String())
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(out, into)
}

// ready waits until the telephone says that it can call and be called. QEMU's network
// takes connections for a machine that does not answer yet, so that each attempt has
// a limit, which grows for the sake of busy hosts.
func (a *administrator) ready(ctx context.Context) (*console, error) {
	var last error
	limit := time.Second
	for n := 0; ; n++ {
		c, err := a.connect(ctx, a.addresses[n%len(a.addresses)], limit)
		if err == nil {
			var status struct{ Ready bool }
			err = c.run(&status, "status")
			if err == nil && status.Ready {
				return c, nil
			}
			c.Close()
		}
		if err != nil {
			last = err
			limit = min(limit+limit/8, 30*time.Second)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the telephone is not ready: %w (%v)", context.Cause(ctx), last)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
