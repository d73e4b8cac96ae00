package ua

import (
	"chordophone/sip/stack"
	"chordophone/sip/wire"
)

// handleUpdate is RFC 3311: it changes the session without asking anybody, as
// re-INVITE does.
func (u *UA) handleUpdate(s *session, t *stack.ServerTx) {
	req := t.Request
	timer, v := askedTimer(req)
	offer := req.Body()
	var body []byte
	var err error
	switch {
	case !v.OK():
		t.Reply(v.Status, v.Field, v.Value)
		return
	case s.m.state == leaving:
		t.Reply(481)
		return
	case len(offer) > 0 && !s.m.renewable(), len(offer) > 0 && !s.m.answered:
		t.Reply(491) // section 5.2
		return
	case s.m.state != confirmed:
		t.Reply(500, "Retry-After", "5")
		return
	case len(offer) > 0:
		body, err = s.media.Answer(offer)
	}
	if err != nil {
		status := 488
		if u.malformed(s, err) {
			status = 400
		}
		t.Reply(status)
		return
	}
	s.d.target = targetOf(req.Contact())
	s.flow = t.Flow
	s.timer = timer
	res := wire.Response(req, 200, t.Tag)
	u.describe(res, t.Flow, body)
	timer.describe(res)
	t.Respond(res)
	if len(offer) > 0 {
		u.step(s, agreed{held: holds(offer)})
	}
	u.step(s, timer.input())
}
