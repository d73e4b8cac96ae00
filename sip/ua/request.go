package ua

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

const (
	allow     = "INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, UPDATE, INFO"
	supported = "replaces, timer"
	accept    = "application/sdp"
)

// Mine says whether a Request-URI is this telephone: its address of record, or
// its contact at this end of the flow.
func (u *UA) Mine(uri sip.Uri, f *stack.Flow) bool {
	if !strings.EqualFold(uri.User, u.cfg.User) {
		return false
	}
	if strings.EqualFold(uri.Host, u.cfg.Domain) {
		return uri.Port == 0
	}
	ip, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	if err != nil || ip.Unmap() != f.Local().Addr() && ip.Unmap() != u.cfg.Local {
		return false
	}
	return uri.Port == 0 || uri.Port == int(u.stack.Addr(stack.TLS).Port()) || uri.Port == int(u.stack.Addr(stack.UDP).Port())
}

// Request takes a request for this telephone, whose form is right. It is RFC
// 3261, section 8.2, as far as the stack has not done it.
func (u *UA) Request(t *stack.ServerTx) {
	req := t.Request
	if v := check(req); !v.OK() {
		if v.Field != "" {
			t.Reply(v.Status, v.Field, v.Value)
		} else {
			t.Reply(v.Status)
		}
		return
	}
	if wire.Tag(req.To().Params) != "" {
		u.inDialog(t)
		return
	}
	peer, client, vouched := u.vouched(t.Flow, req.From().Address)
	switch {
	case !vouched:
		t.Reply(403) // nobody may call as somebody else
	case !u.Mine(req.Recipient, t.Flow) && req.MaxForwards() != nil && *req.MaxForwards() == 0:
		t.Reply(483) // section 16.3; a request for us may well arrive with its last hop
	case !u.Mine(req.Recipient, t.Flow):
		t.Reply(404)
	case req.Method == sip.INVITE:
		u.handleInvite(t, peer, client)
	case req.Method == sip.OPTIONS:
		t.Reply(200, "Allow", allow, "Accept", accept, "Accept-Encoding", "identity", "Accept-Language", "en", "Supported", supported)
	case req.Method == sip.REFER:
		t.Reply(403) // whom we call is our owner's to say, and of those who speak with us
	default:
		t.Reply(481) // of no dialog
	}
}

// peerOf is the telephone that a flow's far end is, "102@office"; empty for a
// stranger.
func peerOf(f *stack.Flow) string { return lower(strings.TrimPrefix(f.Peer(), "sip:")) }

// vouched says for whom a request speaks, if its flow may: a telephone for itself,
// and each telephone, our own proxy among them, for clients, whom they serve.
func (u *UA) vouched(f *stack.Flow, from sip.Uri) (aor string, client, ok bool) {
	peer, aor := peerOf(f), u.address(from)
	user, _, _ := strings.Cut(aor, "@")
	switch {
	case peer == "" || aor == "" || aor == u.self:
		return "", false, false
	case aor == peer:
		return aor, false, true
	case u.cfg.Telephone(user):
		return "", false, false
	}
	return aor, true, true
}

// address is the address of record, of this office, that a caller calls itself by. A
// client may know the office by no name but that of a telephone, its IP address.
func (u *UA) address(from sip.Uri) string {
	user, host, _ := strings.Cut(wire.AOR(from), "@")
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); user == "" || err != nil && host != lower(u.cfg.Domain) {
		return ""
	}
	return user + "@" + lower(u.cfg.Domain)
}

// admits says whether a flow may carry requests of a dialog: between telephones
// only one of that telephone. A client's may come by any telephone, because the
// one that served it may have died, but never from a stranger, who may know the
// tags and yet has nothing (threat T5).
func (u *UA) admits(s *session, f *stack.Flow) bool {
	if s.client {
		return f == u.server || peerOf(f) != ""
	}
	return peerOf(f) == s.peer
}

// handleInvite is RFC 3261, section 13.3.1. Nothing in the INVITE can make the
// telephone answer by itself (threat T18), unless it takes the place of a call
// that is there already.
func (u *UA) handleInvite(t *stack.ServerTx, peer string, client bool) {
	req := t.Request
	fromTag, callID := wire.Tag(req.From().Params), string(*req.CallID())
	fromPeer := 0
	for _, s := range u.calls {
		if !s.out && s.d.callID == callID && s.d.remoteTag == fromTag && s.d.remoteSeq == req.CSeq().SeqNo {
			t.Reply(482) // section 8.2.2.2: the same request by two ways
			return
		}
		if s.peer == peer {
			fromPeer++
		}
	}
	old, status := u.replaced(req)
	timer, v := askedTimer(req)
	switch {
	case u.stopping:
		t.Reply(480)
		return
	case status != 0:
		t.Reply(status)
		return
	case !v.OK():
		t.Reply(v.Status, v.Field, v.Value)
		return
	case old == nil && (len(u.calls) >= u.cfg.MaxCalls || fromPeer >= max(2, u.cfg.MaxCalls/2)),
		len(u.calls) >= 2*u.cfg.MaxCalls:
		t.Reply(486)
		return
	}
	u.count++
	s := &session{
		id: fmt.Sprintf("in-%d", u.count), peer: peer, aor: "sip:" + peer, client: client, flow: t.Flow, invite: t, far: req.Body(),
		number: wire.PlainText(req.From().Address.User, 64), name: plainName(req.From().DisplayName),
		old: old, timer: timer,
	}
	s.d = dialog{
		callID: callID, localTag: t.Tag, remoteTag: fromTag,
		remoteSeq: req.CSeq().SeqNo, inviteSeq: req.CSeq().SeqNo,
		local: bare(req.To().Address), remote: bare(req.From().Address),
		target: targetOf(req.Contact()), routes: recordRoute(req, false),
	}
	t.Cancelled = func(c *sip.Request) { u.step(s, cancel{cause: causeOf(c)}) }
	u.calls = append(u.calls, s)
	u.step(s, invited{offer: len(s.far) > 0, replaces: old != nil})
}

// dialogOf finds the dialog of a request, if it comes from where it may.
func (u *UA) dialogOf(f *stack.Flow, req *sip.Request) *session {
	callID, local, remote := string(*req.CallID()), wire.Tag(req.To().Params), wire.Tag(req.From().Params)
	for _, s := range u.calls {
		if s.d.callID == callID && s.d.localTag == local {
			if s.d.remoteTag != remote || !u.admits(s, f) {
				return nil
			}
			return s
		}
	}
	return nil
}

// inDialog is RFC 3261, section 12.2.2.
func (u *UA) inDialog(t *stack.ServerTx) {
	req := t.Request
	s := u.dialogOf(t.Flow, req)
	if s == nil {
		t.Reply(481)
		return
	}
	if req.CSeq().SeqNo <= s.d.remoteSeq {
		t.Reply(500, "Retry-After", "1") // out of order
		return
	}
	s.d.remoteSeq = req.CSeq().SeqNo
	switch req.Method {
	case sip.BYE:
		s.extra = t
		u.step(s, bye{cause: causeOf(req)})
	case sip.INVITE:
		u.handleReinvite(s, t)
	case sip.UPDATE:
		u.handleUpdate(s, t)
	case sip.REFER:
		u.handleRefer(s, t)
	case sip.NOTIFY:
		u.handleNotify(s, t)
	case sip.INFO:
		u.handleInfo(s, t)
	default: // OPTIONS
		t.Reply(200, "Allow", allow, "Accept", accept, "Supported", supported)
	}
}

func (u *UA) handleReinvite(s *session, t *stack.ServerTx) {
	req := t.Request
	timer, v := askedTimer(req)
	if !v.OK() {
		t.Reply(v.Status, v.Field, v.Value)
		return
	}
	s.extra = t
	// The machine decides whether it may be; only then is it looked at.
	if s.m.renewable() {
		s.d.inviteSeq = req.CSeq().SeqNo
		s.d.target = targetOf(req.Contact()) // a target refresh
		s.far = req.Body()
		s.flow = t.Flow
		s.timer = timer
	}
	u.step(s, reinvite{offer: len(req.Body()) > 0})
}

// Ack takes an ACK to a 2xx.
func (u *UA) Ack(f *stack.Flow, req *sip.Request) {
	s := u.dialogOf(f, req)
	if s == nil || req.CSeq().SeqNo != s.d.inviteSeq || s.m.unacked.since.IsZero() {
		return
	}
	if s.m.delayed {
		s.far = nil
		if isSDP(req) {
			s.far = req.Body()
		}
	}
	u.step(s, ack{answer: len(s.far) > 0})
}

// Lost ends what cannot live without a flow.
func (u *UA) Lost(f *stack.Flow) {
	for _, s := range append([]*session(nil), u.calls...) {
		switch {
		case s.flow != f:
		case !s.out && (s.m.state == weighing || s.m.state == ringing):
			u.step(s, unreachable{})
		case s.ours != nil && !s.ours.acked.IsZero() && time.Since(s.ours.acked) < giveUpTime:
			u.ack(s, s.ours) // it may have been lost with the flow
		}
	}
}
