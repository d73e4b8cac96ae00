package server

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"chordophone/sip/auth"
	"chordophone/sip/location"
	"chordophone/sip/proxy"
	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// lookupTime bounds what is asked of the ring for one request.
const lookupTime = 5 * time.Second

// maxLooking is how many look-ups strangers have at once: they share the stack's
// places for work with those who have a right to them.
const maxLooking = 32

type (
	// Telephone is what the server needs of sip/ua.
	Telephone interface {
		stack.Handler
		// Mine reports whether a Request-URI is the telephone's, its number or its
		// contact, when it comes over f.
		Mine(uri sip.Uri, f *stack.Flow) bool
	}

	// Proxy is what the server needs of sip/proxy.
	Proxy interface {
		Targets(aor string, bindings []location.Binding) []proxy.Target
		Forward(tx *stack.ServerTx, targets []proxy.Target)
		Route(tx *stack.ServerTx)
		Ack(f *stack.Flow, ack *sip.Request)
	}

	// Registrar is what the server needs of sip/registrar.
	Registrar interface {
		Register(tx *stack.ServerTx, user string)
		Served(contact sip.Uri) (aor string, b location.Binding, ok bool)
		Lost(f *stack.Flow)
	}

	// Presence is what the server needs of sip/presence.
	Presence interface {
		Request(tx *stack.ServerTx, user string)
		Lost(f *stack.Flow)
	}

	// Messages is what the server needs of sip/message.
	Messages interface {
		Request(tx *stack.ServerTx, from, to string)
	}
)

// Config is what a Server is made of. All fields must be set.
type Config struct {
	Stack  *stack.Stack
	Domain string // the office

	// Phone is the telephone's end of its loopback, on which it receives; Post is the
	// proxy's end of the loopback of the message service.
	Phone, Post *stack.Flow

	Telephone Telephone
	Proxy     Proxy
	Registrar Registrar
	Presence  Presence
	Messages  Messages
	Gate      *auth.Gate
	Locate    location.Service

	// Number says whether an address of record is that of a telephone of the office.
	Number func(aor string) bool
	// Office says whether an IP address is that of a phone of the office.
	Office func(netip.Addr) bool
	// Trusted says whether a source needs no password.
	Trusted func(netip.Addr) bool
	Log     *slog.Logger
}

// Server is the Handler of a stack. Use must be called before the stack runs.
type Server struct {
	cfg     Config
	looking int // look-ups for strangers
}

// Use hands the server all that it serves with: most of that is made with the
// stack, which is made with the server.
func (s *Server) Use(cfg Config) { s.cfg = cfg }

// Request is stack.Handler's.
func (s *Server) Request(tx *stack.ServerTx) {
	switch f := tx.Flow; {
	case f == s.cfg.Phone:
		s.cfg.Telephone.Request(tx)
	case f.Peer() != "":
		s.member(tx)
	default:
		s.outsider(tx)
	}
}

// Ack is stack.Handler's.
func (s *Server) Ack(f *stack.Flow, ack *sip.Request) {
	if f == s.cfg.Phone || f.Peer() != "" && len(ack.GetHeaders("Route")) == 0 && s.cfg.Telephone.Mine(ack.Recipient, f) {
		s.cfg.Telephone.Ack(f, ack)
		return
	}
	if f.Peer() != "" {
		s.cfg.Proxy.Ack(f, ack)
		return
	}
	s.recognise(f, ack, func() { s.cfg.Proxy.Ack(f, ack) })
}

// Lost is stack.Handler's.
func (s *Server) Lost(f *stack.Flow) {
	s.cfg.Telephone.Lost(f)
	s.cfg.Registrar.Lost(f)
	s.cfg.Presence.Lost(f)
}

// member serves another phone of the office, this phone's own telephone, or its
// message service.
func (s *Server) member(tx *stack.ServerTx) {
	req, f := tx.Request, tx.Flow
	routed := len(req.GetHeaders("Route")) > 0
	switch {
	case !s.mayForward(f, req):
		tx.Reply(sip.StatusForbidden)
	case !routed && s.watching(req):
		s.cfg.Presence.Request(tx, f.Peer())
	case f.Transport() != stack.Loopback && !routed && s.cfg.Telephone.Mine(req.Recipient, f):
		s.cfg.Telephone.Request(tx)
	case routed || inDialog(req):
		s.cfg.Proxy.Route(tx)
	default:
		s.deliver(tx)
	}
}

// mayForward reports whether a phone of the office may send a request from whom it
// says: from itself and from clients, not from another telephone. Messages are kept
// and delivered by any phone, whoever they are from.
func (s *Server) mayForward(f *stack.Flow, req *sip.Request) bool {
	if f.Transport() == stack.Loopback || req.Method == sip.MESSAGE {
		return true
	}
	from, ok := s.address(req.From().Address)
	return !ok || from == f.Peer() || !s.cfg.Number(from)
}

// watching reports whether a request asks for a subscription, or belongs to one of
// sip/presence, whose contact has this user part.
func (s *Server) watching(req *sip.Request) bool {
	switch req.Method {
	case sip.SUBSCRIBE, sip.PUBLISH, sip.NOTIFY:
	default:
		return false
	}
	if _, err := netip.ParseAddr(trimBrackets(req.Recipient.Host)); err == nil && req.Recipient.User == "presence" {
		return true
	}
	return req.Method != sip.NOTIFY && !inDialog(req) && s.ours(req.Recipient)
}

func inDialog(req *sip.Request) bool { return req.To() != nil && wire.Tag(req.To().Params) != "" }

// deliver sends a request out of dialog to wherever its address is reached.
func (s *Server) deliver(tx *stack.ServerTx) {
	req := tx.Request
	if aor, b, ok := s.cfg.Registrar.Served(req.Recipient); ok {
		s.cfg.Proxy.Forward(tx, s.cfg.Proxy.Targets(aor, []location.Binding{b}))
		return
	}
	aor, ok := s.address(req.Recipient)
	switch {
	case !ok:
		tx.Reply(sip.StatusNotFound)
	case req.Method == sip.BYE, req.Method == sip.NOTIFY, req.Method == sip.PRACK, req.Method == sip.UPDATE:
		tx.Reply(sip.StatusCallTransactionDoesNotExists) // nothing without a dialog
	case req.Method == sip.MESSAGE && tx.Flow != s.cfg.Post:
		from, _ := s.address(req.From().Address)
		s.cfg.Messages.Request(tx, from, aor)
	default:
		s.find(tx, aor)
	}
}

// find looks an address up and forwards.
func (s *Server) find(tx *stack.ServerTx, aor string) {
	bindings, ok, err := location.Known(s.cfg.Locate, "sip:"+aor)
	if ok {
		s.found(tx, aor, bindings, err)
		return
	}
	var gone bool // whoever asked has given up
	tx.Cancelled = func(*sip.Request) { gone = true }
	tx.Ended = func() { gone = true }
	asking := s.cfg.Stack.Go(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, lookupTime)
		defer cancel()
		bindings, err = s.cfg.Locate.Lookup(ctx, "sip:"+aor)
	}, func() {
		if gone {
			tx.Reply(sip.StatusRequestTerminated)
			return
		}
		s.found(tx, aor, bindings, err)
	})
	if !asking {
		tx.Reply(sip.StatusServiceUnavailable, "Retry-After", "1")
	}
}

// found forwards to where an address is bound.
func (s *Server) found(tx *stack.ServerTx, aor string, bindings []location.Binding, err error) {
	switch {
	case errors.Is(err, location.ErrNotFound):
		tx.Reply(sip.StatusNotFound)
	case err != nil:
		s.cfg.Log.Warn("sip: the ring did not answer", "for", aor, "err", err)
		tx.Reply(sip.StatusServiceUnavailable, "Retry-After", "5")
	default:
		s.cfg.Proxy.Forward(tx, s.cfg.Proxy.Targets(aor, bindings))
	}
}

// address is the address of record that a URI means: one of the office by its name,
// or by the address of one of its phones.
func (s *Server) address(uri sip.Uri) (aor string, ok bool) {
	if !s.ours(uri) {
		return "", false
	}
	uri.Host = s.cfg.Domain
	aor = wire.AOR(uri)
	return aor, aor != ""
}

// ours reports whether the host of a URI is the office.
func (s *Server) ours(uri sip.Uri) bool {
	if at, err := netip.ParseAddr(trimBrackets(uri.Host)); err == nil {
		return s.cfg.Office(at.Unmap())
	}
	return equalFold(uri.Host, s.cfg.Domain)
}
