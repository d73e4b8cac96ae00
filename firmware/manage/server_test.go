package manage

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
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
	t    *testing.T
	dir  string
	key  ssh.Signer
	logs *logs
	stop func()
}

// start starts a console that lets one key in.
func start(t *testing.T, phone Phone) *console {
	t.Helper()
	c := &console{t: t, dir: t.TempDir(), key: newKey(t), logs: new(logs)}
	c.authorize(authorizedLine(c.key))
	c.run(phone)
	return c
}

// run starts the server, again after stop.
func (c *console) run(phone Phone) {
	c.t.Helper()
	s, err := New(Config{
		Listen: netip.MustParseAddrPort("127.0.0.1:0"), Dir: c.dir, Phone: phone,
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
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	var o, e bytes.Buffer
	session.Stdout, session.Stderr = &o, &e
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

func TestStrangersAreRefused(t *testing.T) {
	c := start(t, new(fakePhone))
	good := ssh.PublicKeys(c.key)
	small, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	oldRSA, err := ssh.NewSignerFromKey(small)
	if err != nil {
		t.Fatal(err)
	}
	c.authorize(authorizedLine(c.key), authorizedLine(oldRSA))
	sha1, err := ssh.NewSignerWithAlgorithms(oldRSA.(ssh.AlgorithmSigner), []string{ssh.KeyAlgoRSA})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*ssh.ClientConfig){
		"unknown key":       func(f *ssh.ClientConfig) { f.Auth = []ssh.AuthMethod{ssh.PublicKeys(newKey(t))} },
		"no authentication": func(f *ssh.ClientConfig) { f.Auth = nil },
		"password":          func(f *ssh.ClientConfig) { f.Auth = []ssh.AuthMethod{ssh.Password("")} },
		"keyboard": func(f *ssh.ClientConfig) {
			f.Auth = []ssh.AuthMethod{ssh.KeyboardInteractive(func(_, _ string, q []string, _ []bool) ([]string, error) { return make([]string, len(q)), nil })}
		},
		"RSA with SHA-1":        func(f *ssh.ClientConfig) { f.Auth = []ssh.AuthMethod{ssh.PublicKeys(sha1)} },
		"root":                  func(f *ssh.ClientConfig) { f.User = "root" },
		"no user":               func(f *ssh.ClientConfig) { f.User = "" },
		"NIST curve":            func(f *ssh.ClientConfig) { f.KeyExchanges = []string{ssh.KeyExchangeECDHP256} },
		"Diffie-Hellman":        func(f *ssh.ClientConfig) { f.KeyExchanges = []string{ssh.KeyExchangeDH14SHA256} },
		"counter mode":          func(f *ssh.ClientConfig) { f.Ciphers = []string{ssh.CipherAES256CTR} },
		"CBC":                   func(f *ssh.ClientConfig) { f.Ciphers = []string{ssh.InsecureCipherAES128CBC} },
		"RSA or ECDSA host key": func(f *ssh.ClientConfig) { f.HostKeyAlgorithms = []string{ssh.KeyAlgoRSASHA256, ssh.KeyAlgoECDSA256} },
	} {
		cfg := c.config(good)
		change(cfg)
		t.Log(name, ":", c.refused(cfg))
	}
	if n := c.logs.count(`msg="console: let in"`); n != 0 {
		t.Errorf("%d let in", n)
	}
	if n := c.logs.count(`err="manage: key is not in authorized_keys"`); n != 1 {
		t.Errorf("the unknown key is logged %d times", n)
	}
	// The same, but right.
	for _, kex := range []string{ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519} {
		for _, cipher := range []string{ssh.CipherChaCha20Poly1305, ssh.CipherAES256GCM, ssh.CipherAES128GCM} {
			cfg := c.config(ssh.PublicKeys(oldRSA))
			cfg.KeyExchanges, cfg.Ciphers = []string{kex}, []string{cipher}
			client, err := ssh.Dial("tcp", c.Addr().String(), cfg)
			if err != nil {
				t.Errorf("%s, %s: %v", kex, cipher, err)
				continue
			}
			client.Close()
		}
	}
}

func TestNothingIsForwarded(t *testing.T) {
	c := start(t, new(fakePhone))
	client := c.dial()
	if conn, err := client.Dial("tcp", c.Addr().String()); err == nil {
		conn.Close()
		t.Error("direct-tcpip: granted")
	}
	if conn, err := client.Dial("unix", "/tmp/x"); err == nil {
		conn.Close()
		t.Error("direct-streamlocal: granted")
	}
	if l, err := client.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close()
		t.Error("tcpip-forward: granted")
	}
	for _, kind := range []string{"x11", "auth-agent@openssh.com", "tun@openssh.com", ""} {
		if _, _, err := client.OpenChannel(kind, nil); err == nil {
			t.Errorf("channel %q: granted", kind)
		}
	}
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range []string{"auth-agent-req@openssh.com", "x11-req", "env", "subsystem", "break", "pty-req", "exec", ""} {
		// Their payload is wrong, too; pty-req and exec are refused for that.
		if ok, err := session.SendRequest(request, true, []byte{0, 0, 0, 99}); ok || err != nil {
			t.Errorf("request %q: %v, %v", request, ok, err)
		}
	}
	if err := session.RequestSubsystem("sftp"); err == nil {
		t.Error("sftp: granted")
	}
	if err := session.Setenv("LD_PRELOAD", "x"); err == nil {
		t.Error("environment: granted")
	}
	// The session is none the worse for it.
	out, err := session.Output("version")
	if err != nil || !strings.HasPrefix(string(out), "chordophone 1.2.3") {
		t.Errorf("%q, %v", out, err)
	}
	if err := session.Start("version"); err == nil {
		t.Error("a second command in one session")
	}
}

func TestHostKeyStays(t *testing.T) {
	c := start(t, new(fakePhone))
	first := c.Fingerprint()
	c.dial()
	c.stop()
	path := filepath.Join(c.dir, HostKeyFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c.run(new(fakePhone))
	c.dial()
	if c.Fingerprint() != first {
		t.Error("another host key after a restart")
	}
	after, _ := os.ReadFile(path)
	if info, err = os.Stat(path); err != nil || info.Mode() != 0o600 || !bytes.Equal(before, after) {
		t.Errorf("the file changed: %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(path + ".*"); left != nil {
		t.Errorf("left over: %v", left)
	}

	c.stop()
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	block, _ := ssh.MarshalPrivateKey(rsaKey, "")
	for name, content := range map[string][]byte{"empty": nil, "damaged": before[:len(before)/2], "an RSA key": block.Bytes} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := New(Config{Listen: netip.MustParseAddrPort("127.0.0.1:0"), Dir: c.dir, Phone: new(fakePhone), Log: discard})
		if !errors.Is(err, ErrHostKey) || !errors.As(err, new(hinted)) {
			t.Errorf("%s: %v", name, err)
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, content) {
			t.Errorf("%s: overwritten", name)
		}
	}
}

// Two processes that make the key at the same time agree.
func TestHostKeyIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), HostKeyFile)
	prints := make(chan string, 8)
	var all sync.WaitGroup
	for range cap(prints) {
		all.Go(func() {
			s, err := hostKey(path, discard)
			if err != nil {
				t.Error(err)
				return
			}
			prints <- ssh.FingerprintSHA256(s.PublicKey())
		})
	}
	all.Wait()
	close(prints)
	first := <-prints
	for p := range prints {
		if p != first {
			t.Errorf("%s and %s", first, p)
		}
	}
}

func TestAuthorizedKeysAreReadAgain(t *testing.T) {
	c := start(t, new(fakePhone))
	path := filepath.Join(c.dir, AuthorizedKeysFile)
	c.dial()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	c.refused(c.config(ssh.PublicKeys(c.key)))
	c.refused(c.config(ssh.PublicKeys(c.key)))
	if n := c.logs.count("put the public key"); n != 1 {
		t.Errorf("where to put a key is said %d times", n)
	}
	if n := c.logs.count(path); n == 0 {
		t.Error("the path is not named")
	}
	other := newKey(t)
	c.authorize(authorizedLine(other))
	c.refused(c.config(ssh.PublicKeys(c.key)))
	c.key = other
	c.dial()
}

// A phone without authorized_keys serves, and says what to do.
func TestNoAuthorizedKeys(t *testing.T) {
	c := &console{t: t, dir: t.TempDir(), key: newKey(t), logs: new(logs)}
	c.run(new(fakePhone))
	c.refused(c.config(ssh.PublicKeys(c.key)))
	if n := c.logs.count("put the public key"); n != 1 {
		t.Errorf("said %d times", n)
	}
	c.authorize(authorizedLine(c.key))
	c.dial()
}

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
		full = append(full, c.dial())
	}
	do(t, full[maxConnections-1], "version")
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

// A client that goes away ends its command.
func TestClientGoesAway(t *testing.T) {
	phone := &fakePhone{packets: 3, ended: make(chan error)}
	c := start(t, phone)
	for _, leave := range []func(*ssh.Client, *ssh.Session){
		func(_ *ssh.Client, s *ssh.Session) { s.Close() },
		func(c *ssh.Client, _ *ssh.Session) { c.Close() },
	} {
		client := c.dial()
		session, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		out, _ := session.StdoutPipe()
		if err := session.Start("capture"); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(pcapHeader))
		if _, err := io.ReadFull(out, got); err != nil || !bytes.Equal(got, pcapHeader) {
			t.Fatalf("%x, %v", got, err)
		}
		leave(client, session)
		if err := <-phone.ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// The end of the phone ends what runs, in order.
func TestStop(t *testing.T) {
	phone := &fakePhone{stuck: make(chan string, 1)}
	c := start(t, phone)
	client := c.dial()
	done := make(chan string)
	go func() {
		_, errOut, status := do(t, client, "lookup slow")
		done <- fmt.Sprint(errOut, status)
	}()
	<-phone.stuck
	idle, err := net.Dial("tcp", c.Addr().String()) // in the handshake
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if _, err := idle.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	c.stop()
	if got := <-done; got != "lookup: interrupted\n1" {
		t.Errorf("%q", got)
	}
}

var discard = slog.New(slog.DiscardHandler)
