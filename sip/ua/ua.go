package ua

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
	"time"

	"chordophone/sip/location"
)

// Media is one call's session as the user agent needs it. The methods are
// called from the UA's own goroutine, one at a time, and must not block; Close
// is called from another one, once, and may. An error that matches
// sdp.ErrSyntax refuses an offer with 400, any other with 488, of which only
// sdp.ErrNotAcceptable is not logged as a warning.
type Media interface {
	Offer() (sdp []byte, err error)                 // the description we begin with
	Answer(offer []byte) (answer []byte, err error) // also for a changed offer within the session
	Accept(answer []byte) error                     // the far answer to our Offer
	Close() error
}

// Config is what a UA is made of. All fields without "may" must be set.
type Config struct {
	User   string // "101"
	Domain string // "office"
	Name   string // display name; may be empty

	Listen    netip.AddrPort // usually IP:5061; no IP means all, port 0 a free one
	ServerTLS *tls.Config    // must demand the far certificate
	ClientTLS *tls.Config    // must check the far certificate
	// PeerUser says whom the far certificate vouches for: "102@office".
	PeerUser func(tls.ConnectionState) (string, error)

	Locate location.Service
	// NewMedia makes the session of one call, heard and spoken at local, the
	// address of this telephone that the far side can reach. It must not block.
	NewMedia func(local netip.Addr) (Media, error)
	Log      *slog.Logger // may be nil

	MaxCalls int // calls at once, in all states; 0 means 8
	MaxFlows int // connections at once; 0 means 128

	// Listener and Dial replace the network, for tests; both may be nil.
	Listener net.Listener
	Dial     func(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error)
}

// UA makes and answers this telephone's calls. Its methods may be called from
// any goroutine; they return at once and their outcome comes as events.
type UA struct {
	cfg      Config
	aor      string // "sip:101@office"
	listener net.Listener
	local    netip.AddrPort
	events   chan Event
	box      *mailbox
	log      *slog.Logger
}

// New binds the listening port. Run must be called, and releases it.
func New(cfg Config) (*UA, error) {
	switch {
	case !plainUser(cfg.User), !plainHost(cfg.Domain):
		return nil, fmt.Errorf("ua: %q is not an address (hint: digits or letters for the user, a host name for the office)", cfg.User+"@"+cfg.Domain)
	case cfg.ServerTLS == nil, cfg.ClientTLS == nil, cfg.PeerUser == nil, cfg.Locate == nil, cfg.NewMedia == nil:
		return nil, errors.New("ua: config lacks one of ServerTLS, ClientTLS, PeerUser, Locate, NewMedia")
	}
	cfg.Name = plainName(cfg.Name)
	if cfg.MaxCalls <= 0 {
		cfg.MaxCalls = 8
	}
	if cfg.MaxFlows <= 0 {
		cfg.MaxFlows = 128
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Dial == nil {
		cfg.Dial = dialTCP
	}
	if cfg.Listener == nil {
		where := cfg.Listen.String()
		if !cfg.Listen.Addr().IsValid() {
			where = fmt.Sprintf(":%d", cfg.Listen.Port()) // every address
		}
		l, err := net.Listen("tcp", where)
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("ua: SIP over TLS: %w (hint: another telephone or SIP program uses %s)", err, where)
		} else if err != nil {
			return nil, fmt.Errorf("ua: SIP over TLS: %w (hint: is %v an address of this machine?)", err, cfg.Listen.Addr())
		}
		cfg.Listener = l
	}
	return &UA{
		cfg:      cfg,
		aor:      "sip:" + cfg.User + "@" + cfg.Domain,
		listener: cfg.Listener,
		local:    addrPort(cfg.Listener.Addr()),
		events:   make(chan Event),
		box:      newMailbox(),
		log:      cfg.Log,
	}, nil
}

// dialTCP connects from the address that the phone listens on, so that the far
// side sees one phone at one address.
func dialTCP(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}}
	if from.IsValid() && !from.IsUnspecified() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	return d.DialContext(ctx, "tcp", to.String())
}

// Addr is the address and port the UA listens on.
func (u *UA) Addr() netip.AddrPort { return u.local }

// Contact is the URI at which this telephone is reached at an address of this
// machine: what to bind in the location service.
func (u *UA) Contact(ip netip.Addr) string {
	return fmt.Sprintf("sip:%s@%v;transport=tls", u.cfg.User, netip.AddrPortFrom(ip, u.local.Port()))
}

// Events must be read until it is closed, which is when Run returns.
func (u *UA) Events() <-chan Event { return u.events }

// Dial calls a number ("102") or an address of this office ("sip:102@office").
// The caller chooses the call's id, which must be new.
func (u *UA) Dial(call, number string) {
	u.box.post(func(l *loop) { l.dial(call, number) })
}

// Answer answers a call that was offered.
func (u *UA) Answer(call string) { u.command(call, answer{}) }

// Reject refuses a call that was offered, with a status of 400 or more; 486
// means busy.
func (u *UA) Reject(call string, status int) {
	if status < 400 || status > 699 {
		status = 480
	}
	u.command(call, reject{status: status})
}

// Hangup ends a call in whatever way its state demands: CANCEL, BYE, a refusal
// or nothing at all. Ended follows at once.
func (u *UA) Hangup(call string) { u.command(call, hangup{}) }

func (u *UA) command(call string, in input) {
	u.box.post(func(l *loop) {
		if s := l.calls[call]; s != nil {
			l.step(s, in)
		}
	})
}
