package stack

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Errors that a client transaction ends with instead of a response.
var (
	ErrTimeout = errors.New("stack: no response in time") // RFC 3261, Timers B and F
	ErrFlow    = errors.New("stack: connection is gone")
	ErrFull    = errors.New("stack: too many transactions")
)

// Config is what a Stack is made of. All fields without "may" must be set.
type Config struct {
	Listen  netip.Addr // invalid: every address
	Also    netip.Addr // one that this machine has at times: see Hold; may be invalid
	UDPPort uint16     // of UDP and TCP; 0 a free one
	TLSPort uint16     // 0 a free one
	NoClear bool       // only TLS: nothing listens on UDPPort
	Handler Handler
	Log     *slog.Logger // may be nil

	// ServerTLS asks the far side for a certificate and takes those who show
	// none. ClientTLS must check that the far side is of the office.
	ServerTLS, ClientTLS *tls.Config
	// PeerUser verifies the far certificate and says whom it vouches for:
	// "102@office". It is called only if there is one, from any goroutine; its error
	// makes the flow a stranger's.
	PeerUser func(tls.ConnectionState) (string, error)

	// Trusted says of a host whether it may send as fast as it likes, as phones of
	// the office may. It is called from any goroutine and may be nil: none may.
	Trusted func(netip.Addr) bool

	Net    Net    // may be nil: the operating system's sockets
	Limits Limits // zero fields mean the defaults
}

// Net makes sockets; siptest.Network is one.
type Net interface {
	ListenPacket(addr netip.AddrPort) (net.PacketConn, error)
	Listen(addr netip.AddrPort) (net.Listener, error)
	Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error)
}

// Limits bound what comes from outside.
type Limits struct {
	StrangerRate float64 // messages a second from one source that nobody vouched for, before they are parsed; 0: 50
	KnownRate    float64 // ... once Flow.Know was called for it; 0: 500
	TotalRate    float64 // ... of all strangers together; 0: 1000
	Transactions int     // kept at once; 0: 20000. Beyond, requests get 503 with Retry-After
	Flows        int     // connections at once; 0: 512
	FlowsPerHost int     // ... from one stranger's address; 0: 32
}

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		p *float64
		d float64
	}{{&l.StrangerRate, 50}, {&l.KnownRate, 500}, {&l.TotalRate, 1000}} {
		if *f.p <= 0 {
			*f.p = f.d
		}
	}
	for _, f := range []struct {
		p *int
		d int
	}{{&l.Transactions, 20000}, {&l.Flows, 512}, {&l.FlowsPerHost, 32}} {
		if *f.p <= 0 {
			*f.p = f.d
		}
	}
	return l
}

const (
	connectTime = 2500 * time.Millisecond // one SYN may be lost
	farewell    = 2 * time.Second         // for transactions at hand when Run ends
	maxWork     = 256                     // of Go at once
	maxDatagram = 1300                    // octets of a request on UDP: RFC 3261, section 18.1.1, for an unknown path MTU
	maxBehind   = 1024                    // datagrams that wait for the loop
)

// Handler is what lives above the stack. Its methods are called in the loop.
type Handler interface {
	// Request is a new request whose form is right: not ACK, not CANCEL, not one
	// that a transaction has absorbed. It must come to a final response.
	Request(*ServerTx)
	// Ack is an ACK that belongs to no transaction here: to a 2xx.
	Ack(*Flow, *sip.Request)
	// Lost says that a flow has ended, of whatever cause.
	Lost(*Flow)
}

func (c *Config) check() error {
	switch {
	case c.Handler == nil, c.ServerTLS == nil, c.ClientTLS == nil, c.PeerUser == nil:
		return errors.New("stack: config lacks one of Handler, ServerTLS, ClientTLS, PeerUser")
	case c.Listen.IsUnspecified():
		return fmt.Errorf("stack: listen on %v (hint: leave the address out for every address)", c.Listen)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Trusted == nil {
		c.Trusted = func(netip.Addr) bool { return false }
	}
	c.Limits = c.Limits.withDefaults()
	return c.checkAlso()
}
