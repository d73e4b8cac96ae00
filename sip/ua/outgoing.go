package ua

import (
	"context"
	"errors"
	"strings"
	"time"

	"chordophone/sip/location"

	"github.com/emiago/sipgo/sip"
)

const maxContacts = 4 // tried one after another

func (l *loop) dial(call, number string) {
	if l.calls[call] != nil {
		l.log.Error("sip: a call of this name is there already", "call", call)
		return
	}
	user, ok := dialled(number, l.ua.cfg.Domain)
	switch {
	case !ok:
		l.emit(Ended{Call: call, Status: 404, Cause: "not a number of this office"})
	case strings.EqualFold(user, l.ua.cfg.User):
		l.emit(Ended{Call: call, Status: 486, Cause: "this is the number of this telephone"})
	case len(l.calls) >= l.ua.cfg.MaxCalls || l.stopping:
		l.emit(Ended{Call: call, Status: 503, Cause: "too many calls at once"})
	default:
		user = strings.ToLower(user)
		aor := user + "@" + l.ua.cfg.Domain
		s := &session{id: call, out: true, peer: strings.ToLower(aor), number: user}
		s.d = dialog{callID: newToken(), localTag: newToken(), local: l.ua.aor, remote: "sip:" + aor, localSeq: 1}
		l.calls[call] = s
		l.dialogs[s.d.key()] = s
		l.step(s, dial{})
	}
}

func (l *loop) lookup(s *session) {
	l.wg.Go(func() {
		ctx, cancel := context.WithTimeout(l.ctx, lookupTime)
		defer cancel()
		bindings, err := l.ua.cfg.Locate.Lookup(ctx, s.d.remote)
		l.ua.box.post(func(l *loop) {
			switch {
			case errors.Is(err, location.ErrNotFound):
				l.step(s, located{status: 404, cause: "nobody has this number"})
				return
			case err != nil:
				l.log.Warn("sip: look-up failed", "call", s.id, "number", s.peer, "error", err)
				l.step(s, located{status: 503, cause: "the office could not be asked"})
				return
			}
			for _, b := range bindings {
				if c, ok := parseContact(b.Contact); ok && c.addr != l.ua.local && len(s.contacts) < maxContacts {
					s.contacts = append(s.contacts, c)
				}
			}
			l.step(s, located{contacts: len(s.contacts)})
		})
	})
}

func (l *loop) invite(s *session, a invite) {
	s.attempt++
	attempt := s.attempt
	c := s.contacts[a.contact]
	s.d.target = sip.Uri{}
	sip.ParseUri(c.uri, &s.d.target)
	l.connect(s.peer, c.addr, a.fresh, func(f *flow, reused bool, err error) {
		switch {
		case s.attempt != attempt:
			return
		case s.m.state == cancelling: // hung up meanwhile: nothing was sent
			l.step(s, unreachable{})
			return
		case s.m.state != calling:
			return
		case err != nil:
			l.log.Info("sip: telephone not reached", "call", s.id, "contact", c.uri, "error", err)
			l.step(s, unreachable{})
			return
		}
		s.flow = f
		l.closeMedia(s) // of an attempt before this one
		s.media, err = l.ua.cfg.NewMedia(f.local.Addr())
		if err == nil {
			s.sdp, err = s.media.Offer()
		}
		if err != nil {
			l.log.Error("sip: no media", "call", s.id, "error", err)
			l.step(s, disagreed{})
			return
		}
		s.d.localSeq++ // a new attempt is a new request (RFC 3261, section 8.1.1.5)
		s.d.inviteSeq = s.d.localSeq
		req := l.newInvite(f, &s.d, s.sdp)
		err = l.request(f, req,
			func(res *sip.Response) {
				if s.attempt == attempt {
					l.invited(s, res)
				}
			},
			func() {
				if s.attempt == attempt {
					l.step(s, unreachable{})
				}
			})
		if err != nil {
			l.step(s, unreachable{})
			return
		}
		key, _ := sip.ClientTxKeyMake(req)
		s.inviteTx = f.clients[key]
		l.step(s, sent{reused: reused})
	})
}

// invited takes a response to our INVITE.
func (l *loop) invited(s *session, res *sip.Response) {
	switch {
	case res.IsProvisional(): // a description in it is not used: no early media
		l.step(s, provisional{status: res.StatusCode})
	case res.IsSuccess():
		far := tag(res.To().Params)
		if s.d.remoteTag == "" {
			s.d.remoteTag = far
			s.d.routes = recordRoute(res, true)
			if c := res.Contact(); c != nil {
				if _, ok := contactOf(c.Address); ok {
					s.d.target = targetOf(c)
				}
			}
			if isSDP(res.ContentType()) {
				s.far = res.Body()
			}
		} else if s.d.remoteTag != far {
			return // one contact, one telephone: nothing forks between us
		}
		l.step(s, success{})
	default: // 3xx is not followed, 401 and 407 are not answered (threat T6)
		cause := causeOf(res)
		if cause == "" {
			cause = plainText(res.Reason, 80)
		}
		l.step(s, failure{status: res.StatusCode, cause: cause})
	}
}

func (l *loop) sendAck(s *session) {
	l.inDialog(s, func(f *flow, err error) {
		if err != nil {
			return // the far side sends its 200 again, and we this
		}
		if s.ack == nil {
			s.ack = l.newAck(f, &s.d)
			s.acked = time.Now()
		}
		f.WriteMsg(s.ack)
	})
}

func (l *loop) sendBye(s *session) {
	l.inDialog(s, func(f *flow, err error) {
		if err == nil {
			s.d.localSeq++
			req := l.newRequest(f, sip.BYE, s.d.target, &s.d, s.d.localSeq)
			err = l.request(f, req,
				func(res *sip.Response) {
					if !res.IsProvisional() {
						l.step(s, byeDone{})
					}
				},
				func() { l.step(s, byeDone{}) })
		}
		if err != nil {
			l.log.Info("sip: BYE not sent", "call", s.id, "peer", s.peer, "error", err)
			l.step(s, byeDone{})
		}
	})
}

// inDialog finds a flow for a request within the dialog: the one it has, or
// else a new one to the remote target.
func (l *loop) inDialog(s *session, then func(*flow, error)) {
	if s.flow != nil && s.flow.alive() {
		then(s.flow, nil)
		return
	}
	c, ok := contactOf(s.d.target)
	if !ok || c.addr == l.ua.local {
		then(nil, errors.New("ua: the far side named no address"))
		return
	}
	l.connect(s.peer, c.addr, false, func(f *flow, _ bool, err error) {
		if err == nil {
			s.flow = f
		}
		then(f, err)
	})
}
