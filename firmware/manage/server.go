package manage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// Files in Config.Dir.
const (
	HostKeyFile        = "ssh_host_key"
	AuthorizedKeysFile = "authorized_keys"
)

// user is the one that there is.
const user = "admin"

// Config says what a server is made of.
type Config struct {
	Listen netip.AddrPort // without address: all
	Dir    string         // holds the host key and authorized_keys
	Phone  Phone
	Log    *slog.Logger

	Appliance Appliance // nil: the program does not own the machine
}

// Server is the SSH console.
type Server struct {
	cfg      Config
	log      *slog.Logger
	ssh      *ssh.ServerConfig
	key      ssh.PublicKey
	listener net.Listener
	door     door
	keys     *authorizedKeys
	sessions chan struct{} // one token for each that runs

	mu    sync.Mutex // guards what follows
	conns map[*connection]struct{}
}

// New reads or makes the host key and begins to listen; what arrives waits for
// Run, which also ends the listening. The error has a hint if a person can help; a
// phone can do without its console.
func New(cfg Config) (*Server, error) {
	signer, err := hostKey(filepath.Join(cfg.Dir, HostKeyFile), cfg.Log)
	if err != nil {
		return nil, err
	}
	s := newServer(cfg, signer)
	s.keys.refresh()
	address := cfg.Listen.String()
	if !cfg.Listen.Addr().IsValid() {
		address = fmt.Sprintf(":%d", cfg.Listen.Port())
	}
	// Dead clients are found by the keep-alive of SSH, which also notices those
	// whose TCP lives.
	listening := net.ListenConfig{KeepAlive: -1}
	s.listener, err = listening.Listen(context.Background(), "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, hinted{fmt.Errorf("manage: %w", err), "another program serves SSH there: stop it or choose another port"}
	} else if err != nil {
		return nil, fmt.Errorf("manage: %w", err)
	}
	return s, nil
}

func newServer(cfg Config, signer ssh.Signer) *Server {
	s := &Server{
		cfg:      cfg,
		log:      cfg.Log,
		key:      signer.PublicKey(),
		door:     door{sources: make(map[netip.Addr]*source)},
		keys:     &authorizedKeys{path: filepath.Join(cfg.Dir, AuthorizedKeysFile), log: cfg.Log},
		sessions: make(chan struct{}, maxSessions),
		conns:    make(map[*connection]struct{}),
	}
	s.ssh = &ssh.ServerConfig{
		Config: ssh.Config{
			KeyExchanges: []string{ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519},
			Ciphers:      []string{ssh.CipherChaCha20Poly1305, ssh.CipherAES256GCM, ssh.CipherAES128GCM},
			MACs:         []string{ssh.HMACSHA512ETM, ssh.HMACSHA256ETM}, // unused: the ciphers are AEADs
		},
		PublicKeyAuthAlgorithms: []string{
			ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256, ssh.KeyAlgoECDSA256,
			ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512,
		},
		MaxAuthTries:      maxAuthTries,
		PublicKeyCallback: s.authenticate,
		ServerVersion:     "SSH-2.0-chordophone", // which one is nobody's business yet
	}
	s.ssh.AddHostKey(signer)
	return s
}

// Addr is where the server listens.
func (s *Server) Addr() netip.AddrPort {
	return s.listener.Addr().(*net.TCPAddr).AddrPort()
}

// Fingerprint is that of the host key as clients show it, "SHA256:...".
func (s *Server) Fingerprint() string { return ssh.FingerprintSHA256(s.key) }

// Why somebody is not let in.
var (
	errUnknownUser = errors.New("manage: there is no user but " + user)
	errUnknownKey  = errors.New("manage: key is not in " + AuthorizedKeysFile)
)

// authenticate decides on a key that a client offers. The door bounds how often
// that is.
func (s *Server) authenticate(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	s.keys.refresh()
	as, ok := s.keys.has(key)
	err := errUnknownKey
	switch {
	case meta.User() != user:
		err = errUnknownUser
	case ok:
		return &ssh.Permissions{ExtraData: map[any]any{whoKey{}: who{key, as}}}, nil
	}
	s.log.Info("console: refused", "from", meta.RemoteAddr(), "key", ssh.FingerprintSHA256(key), "err", err)
	return nil, err
}

// who has authenticated.
type who struct {
	key ssh.PublicKey
	authorized
}

type whoKey struct{}

// Run serves until ctx is done, then ends what runs and returns.
func (s *Server) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer s.listener.Close()
	defer context.AfterFunc(ctx, func() { s.listener.Close() })()
	all.Go(func() { s.watchKeys(ctx) })
	s.log.Info("console: ready", "listen", s.Addr(), "host_key", s.Fingerprint())
	for {
		c, err := s.listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				c.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("manage: %w", err)
		case err != nil: // no more files, perhaps
			s.log.Warn("console: no connection accepted", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			continue
		}
		from := c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
		entry, ok := s.door.enter(time.Now(), from)
		if !ok {
			c.(*net.TCPConn).SetLinger(0) // no TIME-WAIT for who floods
			c.Close()
			if n := s.door.report(time.Now()); n > 0 {
				s.log.Warn("console: too many connections without a valid key; refused", "connections", n, "last", from)
			}
			continue
		}
		all.Go(func() { s.serve(ctx, c, entry) })
	}
}

// watchKeys throws out whose key was taken away. A file that has just changed may
// be half written: it counts when it has stayed the same for a while.
func (s *Server) watchKeys(ctx context.Context) {
	tick := time.NewTicker(keysEvery)
	defer tick.Stop()
	read, believed := s.keys.refresh(), 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		version := s.keys.refresh()
		if version != read {
			read = version
			continue
		}
		if version != believed {
			believed = version
			s.throwOut()
		}
	}
}

// throwOut closes the connections whose key is no longer authorized, or no longer to
// the same.
func (s *Server) throwOut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if as, ok := s.keys.has(c.who.key); !ok || as.role != c.who.role {
			s.log.Info("console: key withdrawn, connection closed", "key", ssh.FingerprintSHA256(c.who.key))
			c.raw.Close()
		}
	}
}

// hinted is an error with what a person can do about it.
type hinted struct {
	error
	hint string
}

func (h hinted) Hint() string  { return h.hint }
func (h hinted) Unwrap() error { return h.error }
