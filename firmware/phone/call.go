package phone

import (
	"strconv"
	"strings"

	"chordophone/hal"
)

// tell reports the state of the call in hand.
func (p *Phone) tell(state, cause string, status int) {
	p.do(Tell{hal.CallState{ID: p.call.id, State: state, Peer: p.call.peer, Cause: cause, Status: status}})
}

func (p *Phone) offered(ev Offered) {
	if ev.Call == "" || ev.Call == p.call.id || strings.HasPrefix(ev.Call, OutgoingPrefix) {
		p.dropped++
		return
	}
	from, name := clean(ev.From), clean(ev.Name)
	if p.state != idle {
		// RFC 3261, section 21.4.21: busy here.
		p.do(Reject{ev.Call, 486})
		p.do(Tell{hal.CallState{ID: ev.Call, State: "ended", Peer: from, Cause: "busy", Status: 486}})
		p.missed = from
		return
	}
	p.call = call{id: ev.Call, peer: from, name: name}
	p.enter(ringing, p.cfg.NoAnswer)
	p.tell("ringing", "", 0)
}

func (p *Phone) progress(ev Progress) {
	if p.state != dialling || ev.Call != p.call.id {
		p.dropped++
		return
	}
	// Only 180 says that a bell rings; 100, 181, 182 and 183 do not.
	// RFC 3261, section 21.1.2
	if ev.Status == 180 && p.tone != hal.Ringback {
		p.tone = hal.Ringback
		p.tell("ringing", "", 180)
	}
}

func (p *Phone) answered(ev Answered) {
	if ev.Call != p.call.id || p.state != dialling && p.state != answering {
		p.dropped++
		return
	}
	p.call.since = p.now
	p.enter(talking, 0)
	p.tell("connected", "", 0)
}

func (p *Phone) ended(ev Ended) {
	if ev.Call == "" || ev.Call != p.call.id {
		p.dropped++
		return
	}
	cause := clean(ev.Cause)
	switch p.state {
	case ringing:
		p.endRinging(or(cause, "missed"), ev.Status)
	case dialling:
		tone, text := failure(ev.Status)
		p.tell("ended", or(cause, text), ev.Status)
		p.call.id = "" // who it was stays on the display
		p.refuse(tone, text)
	case answering, talking:
		text := "call failed"
		if ev.ByFar {
			text = "call ended"
		}
		p.tell("ended", or(cause, text), ev.Status)
		p.call.id = ""
		p.refuse(hal.Busy, text)
	default:
		panic("BUG: phone: a call in state " + strconv.Itoa(int(p.state)))
	}
}

// endRinging is the end of a call that nobody took.
func (p *Phone) endRinging(cause string, status int) {
	p.tell("ended", cause, status)
	p.missed = p.call.peer
	p.call = call{}
	p.enter(idle, 0)
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
