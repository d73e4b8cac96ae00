package manage

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// console is a server on loopback, its phone, and the key of who may enter.
type console struct {
	*Server
	device *fakeAppliance
	t      *testing.T
	dir    string
	key    ssh.Signer
	logs   *logs
	stop   func()
}

// start starts a console that lets one key in.
func start(t *testing.T, phone Phone) *console {
	t.Helper()
	c := &console{t: t, dir: t.TempDir(), key: newKey(t), logs: new(logs), device: new(fakeAppliance)}
	c.authorize(authorizedLine(c.key))
	c.run(phone)
	return c
}

// run starts the server, again after stop.
func (c *console) run(phone Phone) {
	c.t.Helper()
	s, err := New(Config{
		Listen: netip.MustParseAddrPort("127.0.0.1:0"), Dir: c.dir, Phone: phone, Appliance: c.device,
		Log: slog.New(slog.NewTextHandler(c.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.Server = s
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Run(ctx); err != nil {
			c.t.Error(err)
		}
	}()
	c.stop = func() { cancel(); <-ended }
	c.t.Cleanup(c.stop)
}

func (c *console) authorize(lines ...string) {
	c.t.Helper()
	text := strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(c.dir, AuthorizedKeysFile), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func newKey(t *testing.T) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func authorizedLine(key ssh.Signer) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key.PublicKey()))) + " anna@desk"
}

// config is that of a client.
func (c *console) config(auth ...ssh.AuthMethod) *ssh.ClientConfig {
	return &ssh.ClientConfig{
		User: "admin", Auth: auth, HostKeyCallback: ssh.FixedHostKey(c.Server.key), Timeout: 5 * time.Second,
	}
}

// dial enters.
func (c *console) dial() *ssh.Client {
	c.t.Helper()
	client, err := ssh.Dial("tcp", c.Addr().String(), c.config(ssh.PublicKeys(c.key)))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { client.Close() })
	return client
}

// refused tries to enter and returns why it failed.
func (c *console) refused(cfg *ssh.ClientConfig) error {
	c.t.Helper()
	client, err := ssh.Dial("tcp", c.Addr().String(), cfg)
	if err == nil {
		client.Close()
		c.t.Fatal("let in")
	}
	return err
}

// do runs one command.
func do(t *testing.T, client *ssh.Client, line string) (out, errOut string, status int) {
	t.Helper()
	return feed(t, client, line, "")
}

// feed runs one command with something to read.
func feed(t *testing.T, client *ssh.Client, line, in string) (out, errOut string, status int) {
	t.Helper()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	var o, e bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = strings.NewReader(in), &o, &e
	err = session.Run(line)
	var exit *ssh.ExitError
	switch {
	case errors.As(err, &exit):
		status = exit.ExitStatus()
	case err != nil:
		t.Fatalf("%s: %v", line, err)
	}
	return o.String(), e.String(), status
}

// logs collects what is logged.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), s)
}

var discard = slog.New(slog.DiscardHandler)
