package ua

import (
	"errors"
	"math/rand/v2"
	"time"

	"chordophone/sip/stack"
	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// ack acknowledges a 2xx: the CSeq number of the INVITE, a branch of its own (RFC
// 3261, section 13.2.2.4).
func (u *UA) ack(s *session, try *attempt) {
	u.reach(s, false, func(f *stack.Flow, err error) {
		if err != nil {
			return // the far side sends its 200 again, and we this
		}
		if try.acked.IsZero() {
			try.acked = time.Now()
		}
		req := u.newRequest(sip.ACK, &s.d, try.seq)
		req.PrependHeader(f.Via(sip.RFC3261BranchMagicCookie + wire.Token()))
		f.Send(req) // an error is a flow that breaks, of which Lost tells
	})
}

func (u *UA) sendBye(s *session) {
	u.request(s, sip.BYE, nil,
		func(*sip.Response) { u.step(s, byeDone{}) },
		func(err error) {
			u.log.Info("sip: BYE not sent", "call", s.id, "peer", s.peer, "error", err)
			u.step(s, byeDone{})
		})
}

// reoffer sends re-INVITE: hold, retrieve or refresh.
func (u *UA) reoffer(s *session, on bool) {
	var err error
	if on != s.m.change.held {
		s.sdp, err = s.media.Hold(on)
	} else {
		s.sdp, err = s.media.Offer()
	}
	if err != nil {
		u.step(s, disagreed{malformed: u.malformed(s, err)})
		return
	}
	offer := s.sdp
	try := &attempt{}
	final := func(res *sip.Response) {
		switch {
		case res.StatusCode == 422 && s.timer.raise(res): // RFC 4028, section 7.4: at once, longer
			u.step(s, renewed{status: 491})
		case !res.IsSuccess():
			u.step(s, renewed{status: res.StatusCode, wait: glareWait(s.out)})
		case s.m.state == over, !try.acked.IsZero(): // BYE has overtaken it; the same again
			u.ack(s, try)
		default:
			s.ours = try
			u.retarget(s, res)
			s.far = bodyOf(res)
			s.timer = grantedTimer(res)
			u.step(s, renewed{status: res.StatusCode})
			u.step(s, s.timer.input())
		}
	}
	u.request(s, sip.INVITE,
		func(f *stack.Flow, req *sip.Request) {
			try.seq = req.CSeq().SeqNo
			u.describe(req, f, offer)
			s.timer.demand(req)
		},
		final,
		func(err error) {
			status := 503
			if errors.Is(err, stack.ErrTimeout) {
				status = 408
			}
			u.step(s, renewed{status: status})
		})
}

// glareWait is RFC 3261, section 14.1: how long to wait after 491. Who made the
// Call-ID waits longer.
func glareWait(owner bool) time.Duration {
	if owner {
		return 2100*time.Millisecond + 10*time.Millisecond*time.Duration(rand.IntN(191))
	}
	return 10 * time.Millisecond * time.Duration(rand.IntN(201))
}

// request sends a request within the dialog. Either final, which for INVITE may
// come again with 2xx, or failed is called. What a telephone in between does not
// answer goes once more by way of our own proxy, which knows who lives.
func (u *UA) request(s *session, method sip.RequestMethod, complete func(*stack.Flow, *sip.Request), final func(*sip.Response), failed func(error)) {
	u.try(s, method, false, complete, final, failed)
}

func (u *UA) try(s *session, method sip.RequestMethod, again bool, complete func(*stack.Flow, *sip.Request), final func(*sip.Response), failed func(error)) {
	u.reach(s, again, func(f *stack.Flow, err error) {
		if err != nil {
			failed(err)
			return
		}
		s.d.localSeq++
		req := u.newRequest(method, &s.d, s.d.localSeq)
		if complete != nil {
			complete(f, req)
		}
		u.stack.Request(f, req,
			func(res *sip.Response) {
				if !res.IsProvisional() && forUs(res) {
					final(res)
				}
			},
			func(err error) {
				if s.client && f != u.server && !again {
					u.try(s, method, true, complete, final, failed)
				} else {
					failed(err)
				}
			})
	})
}

// reach finds a flow for a request within the dialog: the one it has, or else
// a new one to the remote target, which for a client is our own proxy's to find.
func (u *UA) reach(s *session, server bool, then func(*stack.Flow, error)) {
	if !server && s.flow != nil && s.flow.Alive() {
		then(s.flow, nil)
		return
	}
	if s.client {
		s.flow = u.server
		then(u.server, nil)
		return
	}
	c, ok := contactOf(s.d.target)
	if !ok || u.stack.Listens(stack.TLS, c.addr) {
		then(nil, errors.New("ua: the far side named no address"))
		return
	}
	u.stack.Connect(stack.Target{Transport: stack.TLS, Addr: c.addr, Peer: s.peer}, func(f *stack.Flow, _ bool, err error) {
		if err == nil {
			s.flow = f
		}
		then(f, err)
	})
}
