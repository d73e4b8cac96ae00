package ua

import (
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"
)

// handleRequest is RFC 3261, section 8.2, with what check found. Every request
// on a flow comes through here, in the order in which it came.
func (l *loop) handleRequest(f *flow, req *sip.Request, v verdict) {
	f.used = time.Now()
	if v.status < 0 {
		l.log.Debug("sip: request that cannot be answered", "from", f.user)
		return
	}
	if req.Method == sip.ACK {
		if v == fine {
			l.handleAck(f, req)
		}
		return
	}
	if t := f.servers[serverKey(req, req.Method)]; t != nil {
		t.tx.Receive(req) // the same again: the transaction repeats its response
		return
	}
	if req.Method == sip.CANCEL && v == fine {
		l.handleCancel(f, req)
		return
	}
	t := l.serve(f, req)
	if t == nil {
		return
	}
	if v.status != 0 {
		l.log.Debug("sip: refused", "method", string(req.Method), "from", f.user, "status", v.status)
		if v.field != "" {
			t.respond(v.status, v.field, v.value)
		} else {
			t.respond(v.status)
		}
		return
	}
	if tag(req.To().Params) != "" {
		l.handleInDialog(t)
		return
	}
	switch {
	case aorOf(req.From().Address) != f.user:
		t.respond(403) // nobody may call as somebody else
	case !l.ua.ours(req.Recipient, f) && req.MaxForwards() != nil && *req.MaxForwards() == 0:
		t.respond(483) // section 16.3; a request for us may well arrive with its last hop
	case !l.ua.ours(req.Recipient, f):
		t.respond(404)
	case req.Method == sip.INVITE:
		l.handleInvite(t)
	case req.Method == sip.OPTIONS:
		t.respond(200, "Allow", allow, "Accept", accept, "Accept-Encoding", "identity", "Accept-Language", "en")
	default:
		t.respond(481) // BYE of no dialog
	}
}

// handleInvite is RFC 3261, section 13.3.1. Nothing in the INVITE can make the
// telephone answer by itself (threat T18): no field is even looked at for it.
func (l *loop) handleInvite(t *serverTx) {
	req, f := t.req, t.flow
	fromTag, callID := tag(req.From().Params), string(*req.CallID())
	fromPeer := 0
	for _, s := range l.calls {
		if !s.out && s.d.callID == callID && s.d.remoteTag == fromTag && s.d.remoteSeq == req.CSeq().SeqNo {
			t.respond(482) // section 8.2.2.2: the same request by two ways
			return
		}
		if s.peer == f.user {
			fromPeer++
		}
	}
	switch {
	case l.stopping:
		t.respond(480)
		return
	case len(l.calls) >= l.ua.cfg.MaxCalls || fromPeer >= max(2, l.ua.cfg.MaxCalls/2):
		t.respond(486)
		return
	}
	l.count++
	s := &session{
		id: fmt.Sprintf("in-%d", l.count), peer: f.user, flow: f, invite: t, far: req.Body(),
		number: plainText(req.From().Address.User, 64), name: plainName(req.From().DisplayName),
	}
	s.d = dialog{
		callID: callID, localTag: t.tag, remoteTag: fromTag,
		remoteSeq: req.CSeq().SeqNo, inviteSeq: req.CSeq().SeqNo,
		local: l.ua.aor, remote: "sip:" + f.user,
		target: targetOf(req.Contact()), routes: recordRoute(req, false),
	}
	l.calls[s.id] = s
	l.dialogs[s.d.key()] = s
	l.step(s, invited{offer: len(s.far) > 0})
}

// dialogOf finds the dialog of a request, if it comes from that dialog's peer:
// who knows the tags but not the key has nothing (threat T5).
func (l *loop) dialogOf(f *flow, req *sip.Request) *session {
	s := l.dialogs[string(*req.CallID())+" "+tag(req.To().Params)]
	if s == nil || s.peer != f.user || s.d.remoteTag != tag(req.From().Params) {
		return nil
	}
	return s
}

// handleInDialog is RFC 3261, section 12.2.2.
func (l *loop) handleInDialog(t *serverTx) {
	req := t.req
	s := l.dialogOf(t.flow, req)
	if s == nil {
		t.respond(481)
		return
	}
	if req.CSeq().SeqNo <= s.d.remoteSeq {
		t.respond(500, "Retry-After", "1") // out of order
		return
	}
	s.d.remoteSeq = req.CSeq().SeqNo
	switch req.Method {
	case sip.BYE:
		s.extra = t
		l.step(s, bye{cause: causeOf(req)})
	case sip.INVITE:
		s.extra = t
		// The machine decides whether it may be; only then is it looked at.
		if s.m.state == confirmed && s.m.unacked.since.IsZero() {
			s.d.inviteSeq = req.CSeq().SeqNo
			s.d.target = targetOf(req.Contact()) // a target refresh
			s.far = req.Body()
			s.flow = t.flow
		}
		l.step(s, reinvite{offer: len(req.Body()) > 0})
	default: // OPTIONS
		t.respond(200, "Allow", allow, "Accept", accept)
	}
}

func (l *loop) handleAck(f *flow, req *sip.Request) {
	if t := f.servers[serverKey(req, sip.INVITE)]; t != nil && t.status >= 300 {
		t.tx.Receive(req) // section 17.2.1
		return
	}
	s := l.dialogOf(f, req)
	if s == nil || req.CSeq().SeqNo != s.d.inviteSeq || s.m.unacked.since.IsZero() {
		return
	}
	if s.m.delayed {
		s.far = nil
		if isSDP(req.ContentType()) {
			s.far = req.Body()
		}
	}
	l.step(s, ack{answer: len(s.far) > 0})
}

// handleCancel is RFC 3261, section 9.2: it matches only an INVITE of the very
// same flow, because it cannot be challenged (threat T5).
func (l *loop) handleCancel(f *flow, req *sip.Request) {
	t := f.servers[serverKey(req, sip.INVITE)]
	if t == nil {
		f.WriteMsg(newResponse(req, 481, newToken()))
		return
	}
	f.WriteMsg(newResponse(req, 200, t.tag))
	for _, s := range l.calls {
		if s.invite == t {
			l.step(s, cancel{cause: causeOf(req)})
			return
		}
	}
}
