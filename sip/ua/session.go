package ua

import (
	"errors"
	"time"

	"chordophone/sip/sdp"

	"github.com/emiago/sipgo/sip"
)

// session is one call: its machine, and what the machine's actions act upon.
// It belongs to the loop.
type session struct {
	id      string
	m       machine
	inputs  []input // waiting for the step at hand
	busy    bool    // within a step
	out     bool    // we call
	peer    string  // "102@office"
	number  string  // "102"
	name    string
	attempt int // which invite action answers are for

	d        dialog
	flow     *flow
	contacts []contact

	media Media
	sdp   []byte // our description, for the INVITE at hand
	far   []byte // theirs

	inviteTx *clientTx    // we call
	ack      *sip.Request // our ACK, to be sent again with each 200
	acked    time.Time    // when it was first sent
	invite   *serverTx    // we are called, or the session is changed
	extra    *serverTx    // a request within the dialog
	final    *sip.Response
}

// step runs inputs through the machine and carries its actions out, in order.
func (l *loop) step(s *session, in input) {
	s.inputs = append(s.inputs, in)
	if s.busy {
		return
	}
	s.busy = true
	for len(s.inputs) > 0 {
		in, s.inputs = s.inputs[0], s.inputs[1:]
		before := s.m.state
		for _, a := range s.m.step(time.Now(), in) {
			l.carry(s, a)
		}
		if s.m.state != before {
			l.log.Debug("sip: call", "call", s.id, "peer", s.peer, "state", s.m.state.String())
		}
	}
	s.busy = false
}

func (l *loop) carry(s *session, a action) {
	switch a := a.(type) {
	case lookup:
		l.lookup(s)
	case invite:
		l.invite(s, a)
	case drop:
		if s.flow != nil {
			s.flow.Close()
		}
	case sendAck:
		l.sendAck(s)
	case sendCancel:
		if err := l.request(s.flow, newCancel(s.inviteTx.req), func(*sip.Response) {}, func() {}); err != nil {
			l.step(s, unreachable{})
		}
	case sendBye:
		l.sendBye(s)
	case respond:
		l.respond(s, a)
	case take:
		s.invite, s.extra, s.final = s.extra, nil, nil
	case negotiate:
		l.negotiate(s, a.what)
	case report:
		l.report(s, a)
	case forget:
		l.forget(s)
	default:
		panic("BUG: no such action " + a.String())
	}
}

func (l *loop) respond(s *session, a respond) {
	t := s.invite
	if a.to == toExtra {
		t = s.extra
		s.extra = nil
	}
	switch {
	case t == nil:
		panic("BUG: nothing to respond to")
	case a.status == 500 || a.status == 503:
		t.respond(a.status, "Retry-After", "5")
	case t.req.Method != sip.INVITE || a.status != 180 && a.status != 200:
		t.respond(a.status)
	case a.status == 200 && s.final != nil: // again
		t.send(s.final)
	default:
		res := newResponse(t.req, a.status, t.tag)
		if a.status == 180 {
			res.AppendHeader(l.contactHeader(t.flow))
		} else {
			l.describe(res, t.flow, s.sdp)
			s.final = res
		}
		t.send(res)
	}
}

// negotiate is RFC 3264, done by Media.
func (l *loop) negotiate(s *session, what string) {
	var err error
	if s.media == nil {
		s.media, err = l.ua.cfg.NewMedia(s.flow.local.Addr())
	}
	switch {
	case err != nil:
	case what == "offer":
		s.sdp, err = s.media.Offer()
	case what == "answer":
		s.sdp, err = s.media.Answer(s.far)
	case len(s.far) == 0:
		err = errors.New("ua: our offer was not answered")
	default:
		err = s.media.Accept(s.far)
	}
	if err == nil {
		l.step(s, agreed{})
		return
	}
	malformed := errors.Is(err, sdp.ErrSyntax)
	if malformed || errors.Is(err, sdp.ErrNotAcceptable) {
		l.log.Info("sip: no common session", "call", s.id, "peer", s.peer, "error", err)
	} else {
		l.log.Warn("sip: session refused", "call", s.id, "peer", s.peer, "error", err)
	}
	l.step(s, disagreed{malformed: malformed})
}

func (l *loop) report(s *session, a report) {
	switch a.kind {
	case reportOffered:
		l.emit(Offered{Call: s.id, From: s.number, Name: s.name})
	case reportProgress:
		l.emit(Progress{Call: s.id, Status: a.status})
	case reportAnswered:
		l.emit(Answered{Call: s.id, Media: s.media, Peer: s.number})
	case reportEnded:
		l.closeMedia(s)
		l.emit(Ended{Call: s.id, Status: a.status, Cause: a.cause, ByFar: a.far})
	}
}

func (l *loop) closeMedia(s *session) {
	m := s.media
	s.media = nil
	if m == nil {
		return
	}
	l.wg.Go(func() {
		if err := m.Close(); err != nil {
			l.log.Warn("sip: media did not close", "call", s.id, "error", err)
		}
	})
}

func (l *loop) forget(s *session) {
	l.closeMedia(s)
	s.attempt++
	delete(l.calls, s.id)
	delete(l.dialogs, s.d.key())
}
