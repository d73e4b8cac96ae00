package ua

import (
	"context"
	"errors"
	"strings"

	"chordophone/sip/location"
	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

const maxContacts = 4 // tried one after another

func (u *UA) dial(call, number string) {
	if u.call(call) != nil {
		u.log.Error("sip: a call of this name is there already", "call", call)
		return
	}
	user, ok := dialled(number, u.cfg.Domain)
	switch {
	case !ok:
		u.emit(Ended{Call: call, Status: 404, Cause: "not a number of this office"})
	case strings.EqualFold(user, u.cfg.User):
		u.emit(Ended{Call: call, Status: 486, Cause: "this is the number of this telephone"})
	case len(u.calls) >= u.cfg.MaxCalls || u.stopping:
		u.emit(Ended{Call: call, Status: 503, Cause: "too many calls at once"})
	default:
		u.step(u.newCall(call, lower(user)), dial{})
	}
}

// newCall is a call to be made to a user of this office.
func (u *UA) newCall(id, user string) *session {
	aor := user + "@" + u.cfg.Domain
	s := &session{id: id, out: true, peer: lower(aor), aor: "sip:" + aor, number: user}
	s.d = dialog{callID: wire.Token(), localTag: wire.Token(), localSeq: 1}
	s.d.local = sip.Uri{Scheme: "sip", User: u.cfg.User, Host: u.cfg.Domain}
	s.d.remote = sip.Uri{Scheme: "sip", User: user, Host: u.cfg.Domain}
	u.calls = append(u.calls, s)
	return s
}

// lookup asks where the number is. One telephone is called directly; if there
// are clients, our own proxy rings them all.
func (u *UA) lookup(s *session) {
	if len(s.contacts) > 0 { // REFER has said it
		u.step(s, located{contacts: len(s.contacts)})
		return
	}
	var bindings []location.Binding
	var err error
	asked := u.stack.Go(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, lookupTime)
		defer cancel()
		bindings, err = u.cfg.Locate.Lookup(ctx, s.aor)
	}, func() {
		switch {
		case errors.Is(err, location.ErrNotFound):
			u.step(s, located{status: 404, cause: "nobody has this number"})
			return
		case err != nil:
			u.log.Warn("sip: look-up failed", "call", s.id, "number", s.peer, "error", err)
			u.step(s, located{status: 503, cause: "the office could not be asked"})
			return
		}
		for _, b := range bindings {
			s.client = s.client || b.Client()
			if c, ok := parseContact(b.Contact); ok && !u.stack.Listens(stack.TLS, c.addr) && len(s.contacts) < maxContacts {
				s.contacts = append(s.contacts, c)
			}
		}
		if s.client {
			s.contacts = []contact{{uri: s.aor, server: true}}
		}
		u.step(s, located{contacts: len(s.contacts)})
	})
	if !asked {
		u.step(s, located{status: 503, cause: "too much at once"})
	}
}

func (u *UA) invite(s *session, a invite) {
	s.attempt++
	s.flow = nil
	attempt := s.attempt
	c := s.contacts[a.contact]
	s.d.target = sip.Uri{}
	sip.ParseUri(c.uri, &s.d.target)
	if c.server {
		u.sendInvite(s, u.server, false)
		return
	}
	u.stack.Connect(stack.Target{Transport: stack.TLS, Addr: c.addr, Peer: s.peer, Fresh: a.fresh}, func(f *stack.Flow, reused bool, err error) {
		switch {
		case s.attempt != attempt:
			return
		case s.m.state == cancelling: // hung up meanwhile: nothing was sent
			u.step(s, unreachable{})
			return
		case s.m.state != calling:
			return
		case err != nil:
			u.log.Info("sip: telephone not reached", "call", s.id, "contact", c.uri, "error", err)
			u.step(s, unreachable{})
			return
		}
		u.sendInvite(s, f, reused)
	})
}

func (u *UA) sendInvite(s *session, f *stack.Flow, reused bool) {
	var err error
	s.flow = f
	u.closeMedia(s) // of an attempt before this one
	s.media, err = u.cfg.NewMedia(u.at(f), s.client)
	if err == nil {
		s.sdp, err = s.media.Offer()
	}
	if err != nil {
		u.log.Error("sip: no media", "call", s.id, "error", err)
		u.step(s, disagreed{})
		return
	}
	s.d.localSeq++ // a new attempt is a new request (RFC 3261, section 8.1.1.5)
	req := u.newRequest(sip.INVITE, &s.d, s.d.localSeq)
	u.describe(req, f, s.sdp)
	s.timer.demand(req)
	for i := 0; i+1 < len(s.extraTo); i += 2 {
		req.AppendHeader(sip.NewHeader(s.extraTo[i], s.extraTo[i+1]))
	}
	at, try := s.attempt, &attempt{seq: s.d.localSeq}
	s.ours = try
	try.tx = u.stack.Request(f, req,
		func(res *sip.Response) {
			if s.attempt == at || res.IsSuccess() {
				u.invited(s, try, res)
			}
		},
		func(error) {
			if s.attempt == at {
				u.step(s, unreachable{})
			}
		})
	u.step(s, sent{reused: reused})
}

// invited takes a response to our INVITE.
func (u *UA) invited(s *session, try *attempt, res *sip.Response) {
	if !forUs(res) {
		return
	}
	far := wire.Tag(res.To().Params)
	switch {
	case res.IsProvisional(): // a description in it is not used: no early media
		if res.StatusCode > 100 && far != "" {
			s.earlyTag = far
		}
		u.step(s, provisional{status: res.StatusCode})
	case res.IsSuccess() && (s.ours != try && try.acked.IsZero() || s.m.state == over || s.d.remoteTag != "" && s.d.remoteTag != far):
		u.notThere(s, try.seq, res)
	case res.IsSuccess() && s.ours != try: // the 200 again, and meanwhile the session was changed
		u.ack(s, try)
	case res.IsSuccess():
		first := s.d.remoteTag == ""
		if first {
			s.d.remoteTag = far
			s.d.routes = recordRoute(res, true)
			u.retarget(s, res)
			s.far = bodyOf(res)
			s.timer = grantedTimer(res)
		}
		u.step(s, success{})
		if first {
			u.step(s, s.timer.input())
		}
	case res.StatusCode == 422 && s.timer.raise(res): // RFC 4028, section 7.4
		u.sendInvite(s, s.flow, false)
	default: // 3xx is not followed, 401 and 407 are not answered (threat T6)
		cause := causeOf(res)
		if cause == "" {
			cause = wire.PlainText(res.Reason, 80)
		}
		u.step(s, failure{status: res.StatusCode, cause: cause})
	}
}

// forUs says whether a response has gone all its way back: RFC 3261, section
// 8.1.3.3.
func forUs(res *sip.Response) bool { return len(wire.Values(res, "Via")) == 1 }

// retarget takes the remote target from a 2xx. That of a telephone must be an
// address to connect to.
func (u *UA) retarget(s *session, res *sip.Response) {
	c := res.Contact()
	if c == nil || c.Address.Wildcard {
		return
	}
	if _, ok := contactOf(c.Address); ok || s.client {
		s.d.target = targetOf(c)
	}
}

func bodyOf(res *sip.Response) []byte {
	if isSDP(res) {
		return res.Body()
	}
	return nil
}

// notThere ends a dialog that another telephone answered than the one we speak
// with, or after we gave up: a proxy forks (RFC 3261, section 13.2.2.4).
func (u *UA) notThere(s *session, seq uint32, res *sip.Response) {
	if s.flow == nil || !s.client {
		return // one contact, one telephone: nothing forks between us
	}
	other := &session{id: s.id, client: true, peer: s.peer, flow: s.flow, d: s.d}
	other.m.state = over
	other.d.remoteTag = wire.Tag(res.To().Params)
	other.d.routes = recordRoute(res, true)
	u.retarget(other, res)
	u.ack(other, &attempt{seq: seq})
	u.request(other, sip.BYE, nil, func(*sip.Response) {}, func(error) {})
}
