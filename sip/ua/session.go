package ua

import (
	"errors"
	"time"

	"chordophone/sip/sdp"
	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// session is one call: its machine, and what the machine's actions act upon.
// It belongs to the stack's loop.
type session struct {
	id      string
	m       machine
	inputs  []input // waiting for the step at hand
	busy    bool    // within a step
	ticking *stack.Timer
	tickAt  time.Time
	out     bool   // we call
	client  bool   // the far side is a client, and our proxy knows the way
	peer    string // "102@office", in lower case
	aor     string // "sip:102@office", as the location service knows it
	number  string // "102"
	name    string
	attempt int // which invite action answers are for

	d        dialog
	earlyTag string // of the far side, before it has answered
	flow     *stack.Flow
	contacts []contact

	media Media
	sdp   []byte // our description, for the INVITE at hand
	far   []byte // theirs

	ours   *attempt        // the INVITE of ours that was sent last
	invite *stack.ServerTx // we are called, or the session is changed
	extra  *stack.ServerTx // a request within the dialog
	final  *sip.Response
	timer  sessionTimer

	old      *session   // to be replaced by this one
	refer    *reference // REFER that we sent or were sent last
	refers   int        // how many we were sent
	referrer *session   // whose REFER made us call
	extraTo  []string   // fields of our INVITE, in pairs, that REFER asks for
}

// attempt is one INVITE of ours.
type attempt struct {
	tx    *stack.ClientTx
	seq   uint32
	acked time.Time // when ACK was first sent
}

// step runs inputs through the machine and carries its actions out, in order.
func (u *UA) step(s *session, in input) {
	s.inputs = append(s.inputs, in)
	if s.busy {
		return
	}
	s.busy = true
	for len(s.inputs) > 0 {
		in, s.inputs = s.inputs[0], s.inputs[1:]
		before := s.m.state
		for _, a := range s.m.step(time.Now(), in) {
			u.carry(s, a)
		}
		if s.m.state != before {
			u.log.Debug("sip: call", "call", s.id, "peer", s.peer, "state", s.m.state.String())
		}
	}
	s.busy = false
	if next := s.m.next(); !next.Equal(s.tickAt) {
		s.ticking.Stop()
		s.ticking, s.tickAt = nil, next
		if !next.IsZero() {
			s.ticking = u.stack.After(time.Until(next), func() {
				s.tickAt = time.Time{}
				u.step(s, tick{})
			})
		}
	}
	u.show()
	u.rest()
}

func (u *UA) carry(s *session, a action) {
	switch a := a.(type) {
	case lookup:
		u.lookup(s)
	case invite:
		u.invite(s, a)
	case drop:
		if s.flow != nil {
			s.flow.Close()
		}
	case sendAck:
		u.ack(s, s.ours)
	case sendCancel:
		s.ours.tx.Cancel()
	case sendBye:
		u.sendBye(s)
	case sendRefer:
		u.sendRefer(s)
	case reoffer:
		u.reoffer(s, a.hold)
	case revert:
		if _, err := s.media.Hold(a.hold); err != nil {
			u.log.Warn("sip: hold not undone", "call", s.id, "error", err)
		}
	case supplant:
		u.step(s.old, hangup{cause: "transferred"})
		s.old = nil
	case follow:
		u.follow(s)
	case respond:
		u.respond(s, a)
	case take:
		s.invite, s.extra, s.final = s.extra, nil, nil
	case negotiate:
		u.negotiate(s, a.what)
	case report:
		u.report(s, a)
	case forget:
		u.forget(s)
	default:
		panic("BUG: no such action " + a.String())
	}
}

func (u *UA) respond(s *session, a respond) {
	t := s.invite
	if a.to == toExtra {
		t = s.extra
		s.extra = nil
	}
	switch {
	case t == nil:
		panic("BUG: nothing to respond to")
	case a.status == 500 || a.status == 503:
		t.Reply(a.status, "Retry-After", "5")
	case a.status == 202:
		t.Respond(u.answer(t, a.status))
	case t.Request.Method != sip.INVITE || a.status != 180 && a.status != 200:
		t.Reply(a.status)
	case a.status == 200 && s.final != nil: // again
		t.Respond(s.final)
	case a.status == 180:
		t.Respond(u.answer(t, a.status))
	default:
		s.final = wire.Response(t.Request, 200, t.Tag)
		u.describe(s.final, t.Flow, s.sdp)
		s.timer.describe(s.final)
		t.Respond(s.final)
		u.step(s, s.timer.input())
	}
}

// answer is a response that says where we are.
func (u *UA) answer(t *stack.ServerTx, status int) *sip.Response {
	res := wire.Response(t.Request, status, t.Tag)
	res.AppendHeader(u.contactHeader(t.Flow))
	return res
}

// negotiate is RFC 3264, done by Media.
func (u *UA) negotiate(s *session, what string) {
	var err error
	if s.media == nil {
		s.media, err = u.cfg.NewMedia(u.at(s.flow), s.client)
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
	if err != nil {
		u.step(s, disagreed{malformed: u.malformed(s, err)})
		return
	}
	u.step(s, agreed{held: what != "offer" && holds(s.far)})
}

// malformed logs why there is no session, and says whether it is the far side's
// grammar.
func (u *UA) malformed(s *session, err error) bool {
	malformed := errors.Is(err, sdp.ErrSyntax)
	if malformed || errors.Is(err, sdp.ErrNotAcceptable) {
		u.log.Info("sip: no common session", "call", s.id, "peer", s.peer, "error", err)
	} else {
		u.log.Warn("sip: session refused", "call", s.id, "peer", s.peer, "error", err)
	}
	return malformed
}

// holds says whether a far description wants no sound of ours: RFC 3264, section
// 8.4.
func holds(description []byte) bool {
	d, err := sdp.Parse(description)
	if err != nil {
		return false
	}
	at := d.Audio()
	return at >= 0 && !d.Media[at].Direction.Receives()
}

func (u *UA) report(s *session, a report) {
	switch a.kind {
	case reportOffered:
		u.emit(Offered{Call: s.id, From: s.number, Name: s.name})
	case reportProgress:
		u.emit(Progress{Call: s.id, Status: a.status})
	case reportAnswered:
		u.emit(Answered{Call: s.id, Media: s.media, Peer: s.number})
		u.followed(s, 200)
	case reportHeld:
		u.emit(Held{Call: s.id, ByFar: a.far, On: a.on})
	case reportReplaced:
		u.emit(Transferred{Call: s.old.id, New: s.id, To: s.number})
	case reportReferred:
		u.emit(Referred{Call: s.id, Status: a.status, Cause: a.cause})
		u.joined(s, a.status)
	case reportEnded:
		u.closeMedia(s)
		u.emit(Ended{Call: s.id, Status: a.status, Cause: a.cause, ByFar: a.far})
		u.followed(s, a.status)
	}
}

func (u *UA) closeMedia(s *session) {
	m := s.media
	s.media = nil
	if m == nil {
		return
	}
	u.closing.Go(func() {
		if err := m.Close(); err != nil {
			u.log.Warn("sip: media did not close", "call", s.id, "error", err)
		}
	})
}

func (u *UA) forget(s *session) {
	u.closeMedia(s)
	s.attempt++
	s.ticking.Stop()
	for i, c := range u.calls {
		if c == s {
			u.calls = append(u.calls[:i:i], u.calls[i+1:]...)
			break
		}
	}
}
