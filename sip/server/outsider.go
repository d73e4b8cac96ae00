package server

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"chordophone/sip/auth"
	"chordophone/sip/location"
	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// allow are the methods that clients may use with the server itself, or through it.
const allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, MESSAGE, SUBSCRIBE, NOTIFY, PUBLISH, REFER, INFO, PRACK, UPDATE"

// outsider serves whoever shows no certificate of the office: clients with a
// password, and strangers.
func (s *Server) outsider(tx *stack.ServerTx) {
	req := tx.Request
	switch {
	case req.Method == sip.OPTIONS && req.Recipient.User == "" && s.ours(req.Recipient) && !inDialog(req):
		s.options(tx) // a sign of life, which says nothing of anybody
	case !s.valid(tx):
	case req.Method == sip.REGISTER:
		if user, ok := s.authenticate(tx, auth.Server); ok {
			s.cfg.Registrar.Register(tx, user)
		}
	case s.watching(req):
		if user, ok := s.speaks(tx, auth.Server); ok {
			s.cfg.Presence.Request(tx, user+"@"+s.cfg.Domain)
		}
	case inDialog(req):
		s.recognise(tx.Flow, req, func() { s.cfg.Proxy.Route(tx) }) // asks Allowed, and Challenge
	default:
		if _, ok := s.speaks(tx, auth.Proxy); ok {
			s.deliver(tx)
		}
	}
}

// valid is what RFC 3261 has looked at before anybody is asked for a password, since
// it tells of nobody: section 16.3, steps 3 and 5, and section 10.3, whose To is a SIP
// or SIPS URI. It answers what is not valid.
func (s *Server) valid(tx *stack.ServerTx) bool {
	req := tx.Request
	if req.Method == sip.REGISTER {
		if scheme := req.To().Address.Scheme; scheme != "sip" && scheme != "sips" {
			tx.Refuse(sip.StatusBadRequest)
			return false
		}
		return true
	}
	if hops := req.MaxForwards(); hops != nil && hops.Val() == 0 {
		tx.Refuse(sip.StatusTooManyHops)
		return false
	}
	if tags := wire.Values(req, "Proxy-Require"); len(tags) > 0 {
		tx.Refuse(sip.StatusBadExtension, "Unsupported", strings.Join(tags, ", "))
		return false
	}
	return true
}

// options is RFC 3261, section 11.2.
func (s *Server) options(tx *stack.ServerTx) {
	tx.Reply(sip.StatusOK, "Allow", allow, "Accept", "application/sdp, text/plain, message/cpim",
		"Accept-Encoding", "identity", "Accept-Language", "en", "Supported", "path, outbound, replaces, timer, eventlist")
}

// speaks authenticates, and holds the sender to its own address: "From" of somebody
// else gets 403.
func (s *Server) speaks(tx *stack.ServerTx, kind auth.Kind) (user string, ok bool) {
	user, ok = s.authenticate(tx, kind)
	if !ok {
		return "", false
	}
	from, ours := s.address(tx.Request.From().Address)
	if !ours || from != user+"@"+s.cfg.Domain {
		tx.Reply(sip.StatusForbidden)
		return "", false
	}
	return user, true
}

// authenticate says who sends a request, or answers it: a connection is asked once
// for a user, a datagram each time, because its source may be forged.
func (s *Server) authenticate(tx *stack.ServerTx, kind auth.Kind) (user string, ok bool) {
	f, req := tx.Flow, tx.Request
	claimed, _, _ := strings.Cut(wire.AOR(req.From().Address), "@")
	if f.Transport() != stack.UDP && f.User() != "" && f.User() == claimed && req.Method != sip.REGISTER {
		return claimed, true
	}
	if s.cfg.Trusted(f.Remote().Addr()) && claimed != "" {
		f.Know(claimed)
		return claimed, true
	}
	v := s.cfg.Gate.Check(req, kind, f.Remote().Addr())
	if !v.OK() {
		tx.Refuse(v.Status, v.Fields...)
		return "", false
	}
	f.Know(v.User)
	return v.User, true
}

// recognise looks whether a datagram of somebody who is not known here comes from
// where its sender is registered, perhaps at a phone that has died: its calls go
// on here, and not all of their requests can be challenged.
func (s *Server) recognise(f *stack.Flow, req *sip.Request, then func()) {
	from, ok := s.address(req.From().Address)
	if !ok || f.Transport() != stack.UDP || f.User() != "" || s.cfg.Trusted(f.Remote().Addr()) || s.looking >= maxLooking {
		then()
		return
	}
	var registered bool
	looking := s.cfg.Stack.Go(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, lookupTime)
		defer cancel()
		bindings, err := s.cfg.Locate.Lookup(ctx, "sip:"+from)
		registered = err == nil && slices.ContainsFunc(bindings, func(b location.Binding) bool {
			return b.Client() && b.Flow == "" && locate(b.Contact) == f.Remote()
		})
	}, func() {
		s.looking--
		if registered {
			user, _, _ := strings.Cut(from, "@")
			f.Know(user)
		}
		then()
	})
	if !looking {
		then()
		return
	}
	s.looking++
}

// locate is the address that a contact names; the zero one for a name.
func locate(contact string) netip.AddrPort {
	uri, err := wire.ParseURI(contact)
	if err != nil {
		return netip.AddrPort{}
	}
	ip, err := netip.ParseAddr(trimBrackets(uri.Host))
	if err != nil {
		return netip.AddrPort{}
	}
	port := uri.Port
	if port == 0 {
		port = sip.DefaultUdpPort
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(port))
}

// Allowed reports whether a request within a dialog that this phone knows nothing of
// comes from who has a right to it: it is proxy.Config's. A datagram's source is
// believed here as it is for the dialogs that this phone knows.
func (s *Server) Allowed(f *stack.Flow, req *sip.Request) bool {
	from, ok := s.address(req.From().Address)
	if !ok {
		return false
	}
	user, _, _ := strings.Cut(from, "@")
	if s.cfg.Trusted(f.Remote().Addr()) || f.User() == user {
		return true
	}
	return req.Method != sip.ACK && s.cfg.Gate.Check(req, auth.Proxy, f.Remote().Addr()).User == user
}

// Challenge answers a request that Allowed refused: it is proxy.Config's.
func (s *Server) Challenge(tx *stack.ServerTx) {
	v := s.cfg.Gate.Check(tx.Request, auth.Proxy, tx.Flow.Remote().Addr())
	if v.OK() {
		tx.Reply(sip.StatusForbidden)
		return
	}
	tx.Refuse(v.Status, v.Fields...)
}

// Reach says whether the one that a request in a dialog is for is registered at all of
// some addresses: it is proxy.Config's.
func (s *Server) Reach(req *sip.Request, at []netip.Addr, then func(bool)) {
	to, ok := s.address(req.To().Address)
	if !ok {
		then(false)
		return
	}
	var known []netip.Addr
	looking := s.cfg.Stack.Go(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, lookupTime)
		defer cancel()
		bindings, _ := s.cfg.Locate.Lookup(ctx, "sip:"+to)
		for _, b := range bindings {
			known = append(known, locate(b.Contact).Addr())
			for _, hop := range b.Path {
				if a, err := wire.ParseAddress(hop); err == nil {
					known = append(known, locate(a.URI.String()).Addr())
				}
			}
		}
	}, func() {
		then(!slices.ContainsFunc(at, func(a netip.Addr) bool { return !slices.Contains(known, a) }))
	})
	if !looking {
		then(false)
	}
}

func trimBrackets(host string) string { return strings.Trim(host, "[]") }

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }
