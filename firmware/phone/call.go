package phone

import (
	"strconv"
	"strings"

	"chordophone/hal"
)

// say tells a step in the life of a call.
func (p *Phone) say(c *call, state, cause string, status int) {
	c.said = state
	if state == "ended" {
		p.remember(past{c.peer, c.name, c.way()})
	}
	p.do(Tell{hal.CallState{ID: c.id, State: state, Peer: c.peer, Cause: cause, Status: status}})
}

// way is how a call went that is over.
func (c *call) way() Way {
	switch {
	case strings.HasPrefix(c.id, OutgoingPrefix):
		return Out
	case c.since.IsZero():
		return Missed
	}
	return In
}

// sayUp tells whether a call that was answered is held, unless that is known.
func (p *Phone) sayUp(c *call) {
	state := "connected"
	if c.onHold() {
		state = "held"
	}
	if c.said != state {
		p.say(c, state, "", 0)
	}
}

func (p *Phone) offered(ev Offered) {
	if ev.Call == "" || p.knows(ev.Call) || strings.HasPrefix(ev.Call, OutgoingPrefix) {
		p.dropped++
		return
	}
	one := call{id: ev.Call, peer: clean(ev.From), name: clean(ev.Name)}
	one.name = or(one.name, p.nameOf(one.peer))
	switch {
	case p.state == idle:
		p.call = one
		p.enter(ringing, p.cfg.NoAnswer)
		p.say(&p.call, "ringing", "", 0)
	case p.waits():
		one.until = p.now.Add(p.cfg.NoAnswer)
		p.waiting = one
		p.say(&p.waiting, "ringing", "", 0)
	default:
		// RFC 3261, section 21.4.21: busy here.
		p.do(Reject{ev.Call, 486})
		p.say(&one, "ended", "busy", 486)
		p.missed = one.peer
	}
}

func (p *Phone) progress(ev Progress) {
	c, next := p.find(ev.Call)
	switch {
	case c == nil:
	case next:
		c = c.next
	case c == &p.call && p.state != dialling, !c.since.IsZero():
		c = nil
	}
	if c == nil {
		p.dropped++
		return
	}
	// Only 180 says that a bell rings; 100, 181, 182 and 183 do not.
	// RFC 3261, section 21.1.2
	if ev.Status == 180 && !c.ringback {
		c.ringback = true
		p.say(c, "ringing", "", 180)
	}
}

func (p *Phone) answered(ev Answered) {
	c, next := p.find(ev.Call)
	switch {
	case c == nil:
		p.dropped++
	case next:
		p.succeed(c)
	case c == &p.call && (p.state == dialling || p.state == answering):
		c.since = p.now
		p.enter(talking, 0)
		p.sayUp(c)
	case c == &p.held && c.since.IsZero():
		c.since = p.now
		p.hold(c, true)
	default:
		p.dropped++
	}
}

func (p *Phone) ended(ev Ended) {
	if ev.Call == "" {
		p.dropped++
		return
	}
	c, next := p.find(ev.Call)
	cause := clean(ev.Cause)
	switch {
	case next:
		p.say(c.next, "ended", or(cause, "call failed"), ev.Status)
		c.next = nil
	case c != nil && c.next != nil:
		p.say(c, "ended", or(cause, "transferred"), ev.Status)
		p.inherit(c)
		if p.state == reminding {
			p.rest()
		}
	case c == &p.held:
		p.say(c, "ended", or(cause, "call ended"), ev.Status)
		p.held, p.joined = call{}, false
		if p.state == reminding {
			p.rest()
		}
	case c == &p.call:
		p.endedInHand(ev, cause)
	case ev.Call == p.waiting.id:
		p.unheard(or(cause, "missed"), ev.Status)
	case !p.passed(ev):
		p.dropped++
	}
}

// endedInHand is the end of the call in hand.
func (p *Phone) endedInHand(ev Ended, cause string) {
	switch p.state {
	case ringing:
		p.endRinging(or(cause, "missed"), ev.Status)
	case dialling:
		tone, text := failure(ev.Status)
		p.say(&p.call, "ended", or(cause, text), ev.Status)
		p.call.id = "" // who it was stays on the display
		p.refuse(tone, text)
	case answering, talking:
		text := "call failed"
		if ev.ByFar {
			text = "call ended"
		}
		p.say(&p.call, "ended", or(cause, text), ev.Status)
		if p.joined { // who is left goes on
			p.call, p.held, p.joined = p.held, call{}, false
			return
		}
		p.call.id = ""
		p.refuse(hal.Busy, text)
	default:
		panic("BUG: phone: a call in state " + strconv.Itoa(int(p.state)))
	}
}

// endRinging is the end of a call that nobody took.
func (p *Phone) endRinging(cause string, status int) {
	p.say(&p.call, "ended", cause, status)
	p.missed = p.call.peer
	p.rest()
}

// failure is how a final response to a dialled call sounds and reads.
// RFC 3261, sections 21.4 to 21.6
func failure(status int) (hal.Tone, string) {
	switch status {
	case 486, 600:
		return hal.Busy, "busy"
	case 603:
		return hal.Busy, "declined"
	case 404, 410, 604:
		return hal.Congestion, "no such number"
	case 480:
		return hal.Congestion, "not reachable"
	case 408:
		return hal.Congestion, "no reply"
	case 484:
		return hal.Congestion, "number incomplete"
	case 401, 403, 407:
		return hal.Congestion, "not allowed"
	case 415, 488, 606:
		return hal.Congestion, "no common codec"
	case 503:
		return hal.Congestion, "out of service"
	case 0:
		return hal.Congestion, "call failed"
	}
	return hal.Congestion, "call failed (" + strconv.Itoa(status) + ")"
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
