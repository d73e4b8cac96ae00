package phone

import "chordophone/hal"

// This file is what can be done with two calls on one handset.

// recall is the recall key: see Phone.
func (p *Phone) recall() {
	off := p.state == refused || p.state == parked // there was a call, perhaps
	switch {
	case p.state == trying:
		p.tested(func() { p.test.Press(hal.Recall) })
	case p.state == idle, p.state == ringing, p.state == reminding, p.state == answering:
	case p.waiting.id != "" && p.held.id == "" && (p.state == talking || off):
		p.take()
	case p.state == talking && p.joined:
		p.joined = false
		p.hold(&p.held, true)
	case p.state == talking && p.held.id != "":
		p.hold(&p.call, true)
		p.call, p.held = p.held, p.call
		p.toggled = p.now
		p.resume()
	case p.state == talking:
		p.hold(&p.call, true)
		p.held = p.call
		p.offerDialTone()
	case p.held.id != "":
		p.retrieve()
	case p.state == dialling:
	default:
		p.offerDialTone()
	}
}

// take answers the call that waits and holds the one in hand.
func (p *Phone) take() {
	if p.state == talking {
		p.hold(&p.call, true)
		p.held = p.call
	}
	p.call, p.waiting = p.waiting, call{}
	p.consult = false
	p.do(Answer{p.call.id})
	p.enter(answering, 0)
}

// retrieve takes the held call back in hand, instead of one on its way.
func (p *Phone) retrieve() {
	if p.state == dialling {
		p.drop(&p.call, "cancelled")
	}
	p.call, p.held = p.held, call{}
	p.resume()
}

// resume goes on with the call that came in hand from being held.
func (p *Phone) resume() {
	if p.call.since.IsZero() {
		p.enter(dialling, 0)
		return
	}
	p.hold(&p.call, false)
	p.enter(talking, 0)
}

// hold holds a call or retrieves it. One that is not answered yet is held when it
// is.
func (p *Phone) hold(c *call, on bool) {
	if c.since.IsZero() {
		return
	}
	c.held = on
	p.do(Hold{c.id, on})
	p.sayUp(c)
}

// mayJoin says whether 3 joins the two calls now.
func (p *Phone) mayJoin() bool {
	return p.held.id != "" && !p.held.since.IsZero() && !p.joined &&
		!p.toggled.IsZero() && p.now.Sub(p.toggled) < p.cfg.Choose
}

// confer joins the two calls to one conversation of three.
func (p *Phone) confer() {
	p.joined = true
	p.hold(&p.held, false)
}

// changed takes note of who holds a call. Of this telephone's own doing it counts
// only for a call that is talked to: a late answer says nothing of what was asked
// for since.
func (p *Phone) changed(ev Held) {
	c, next := p.find(ev.Call)
	switch {
	case c == nil, next, c.since.IsZero():
		p.dropped++
		return
	case ev.ByFar:
		c.farHeld = ev.On
	case c == &p.call, p.joined:
		c.held = ev.On
	}
	p.sayUp(c)
}

// waits says whether a second call may knock now.
func (p *Phone) waits() bool {
	return p.cfg.CallWaiting && p.state == talking && p.waiting.id == "" && p.held.id == ""
}

// unheard is the end of a call that waited in vain.
func (p *Phone) unheard(cause string, status int) {
	p.say(&p.waiting, "ended", cause, status)
	p.missed = p.waiting.peer
	p.waiting = call{}
}

// beep is what sounds on top of a conversation.
func (p *Phone) beep() hal.Tone {
	switch {
	case p.waiting.id != "":
		return hal.Waiting
	case p.call.next != nil && p.call.next.ringback:
		return hal.Ringback
	}
	return hal.Silence
}
