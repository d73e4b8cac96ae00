package phone

import (
	"slices"
	"time"

	"chordophone/hal"
)

// This file is calls that are passed on, by this telephone or by the far side.

// passage is a call that this telephone passes on. It is in nobody's hand any
// more: until Referred says that it succeeded, it may come back.
type passage struct {
	call   call
	other  call   // whose far end it is joined with; none if that one was not answered
	after  string // the call, hung up, that has to end before Transfer
	number string // ... whom it was to
	done   bool   // Referred said so, Ended has to come
}

// transferable says whether putting the handset back joins the two calls.
func (p *Phone) transferable() bool {
	return p.consult && p.held.id != "" && !p.held.since.IsZero() && p.held.next == nil && p.call.next == nil
}

// pass has the held party call whom this telephone called, who has not answered
// yet: once it rings there for this telephone no more, or the line would be busy.
func (p *Phone) pass() {
	p.passing = append(p.passing, passage{call: p.held, after: p.call.id, number: p.call.peer})
	p.held = call{}
	p.drop(&p.call, "transferred")
}

// join joins the held party with the one in hand.
func (p *Phone) join() {
	p.do(TransferTo{p.held.id, p.call.id})
	p.passing = append(p.passing, passage{call: p.held, other: p.call})
	p.held, p.call = call{}, call{}
}

// referred is the outcome. What failed comes back: it rings, or is held again; but
// not when another call is held already.
func (p *Phone) referred(ev Referred) {
	i := slices.IndexFunc(p.passing, func(one passage) bool { return one.call.id == ev.Call })
	if i < 0 || ev.Call == "" || p.passing[i].done || p.passing[i].after != "" {
		p.dropped++
		return
	}
	one := &p.passing[i]
	if ev.Status >= 200 && ev.Status < 300 {
		one.done = true
		p.note, p.noteEnd = "transferred "+one.call.peer, p.now.Add(p.cfg.Note)
		return
	}
	back := one.call
	p.drop(&one.other, "hung up")
	p.leave(i)
	if p.held.id != "" {
		p.drop(&back, "transfer failed")
		return
	}
	p.held, p.consult = back, false
	if p.state == idle {
		p.rest()
		p.text = "transfer failed"
	}
}

// passed is the end of a call that is passed on, or of the one it is joined with.
// It reports whether it was one.
func (p *Phone) passed(ev Ended) bool {
	for i := range p.passing {
		one := &p.passing[i]
		switch ev.Call {
		case one.other.id:
			p.say(&one.other, "ended", or(clean(ev.Cause), "transferred"), ev.Status)
			one.other = call{}
			return true
		case one.after:
			p.do(Transfer{one.call.id, one.number})
			one.after, one.number = "", ""
			return true
		case one.call.id:
			p.say(&one.call, "ended", or(clean(ev.Cause), "call ended"), ev.Status)
			p.drop(&one.other, "hung up")
			p.leave(i)
			return true
		}
	}
	return false
}

// leave forgets a transfer.
func (p *Phone) leave(i int) {
	p.passing = slices.Delete(p.passing, i, i+1)
	if len(p.passing) == 0 {
		p.passing = nil
	}
}

// transferred gives a call a successor. What was to succeed it before, or is
// itself to be succeeded before it was answered, is over.
func (p *Phone) transferred(ev Transferred) {
	if ev.New == "" || p.knows(ev.New) {
		p.dropped++
		return
	}
	c, _ := p.find(ev.Call)
	if c == nil || c == &p.call && p.state != dialling && p.state != talking {
		// That call is over for its owner, and so is all that follows from it.
		p.dropped++
		p.do(Hangup{ev.New})
		return
	}
	if c.next != nil {
		p.drop(c.next, "transferred")
	}
	to := clean(ev.To)
	c.next = &call{id: ev.New, peer: to, name: p.nameOf(to)}
}

// succeed puts a call's successor, which was answered, in its place.
func (p *Phone) succeed(c *call) {
	next := *c.next
	c.next = nil
	p.drop(c, "transferred")
	*c = next
	c.since = p.now
	switch {
	case c == &p.call:
		p.enter(talking, 0)
		p.sayUp(c)
	case p.joined:
		p.sayUp(c)
	default:
		p.hold(c, true)
	}
}

// inherit puts a call's successor in its place before it was answered: the call
// has ended.
func (p *Phone) inherit(c *call) {
	*c = *c.next
	if p.joined {
		p.joined = false
		if c == &p.call { // the one who was heard beside it stays
			p.call, p.held = p.held, p.call
			return
		}
	}
	if c == &p.call {
		p.enter(dialling, 0)
	}
}

// drop hangs a call up, with its successor.
func (p *Phone) drop(c *call, cause string) {
	for one := c; one != nil && one.id != ""; one = one.next {
		p.do(Hangup{one.id})
		p.say(one, "ended", cause, 0)
	}
	*c = call{}
}

// knows says whether a call has a place here.
func (p *Phone) knows(id string) bool {
	if c, _ := p.find(id); c != nil || id == p.waiting.id {
		return true
	}
	return slices.ContainsFunc(p.passing, func(one passage) bool { return id == one.call.id || id == one.other.id || id == one.after })
}

// find is the call of a name in hand or held, or the one that it is to succeed.
func (p *Phone) find(id string) (c *call, next bool) {
	for _, c := range [...]*call{&p.call, &p.held} {
		switch {
		case id == "":
		case c.id == id:
			return c, false
		case c.next != nil && c.next.id == id:
			return c, true
		}
	}
	return nil, false
}

// clock is how long a conversation lasts.
func (p *Phone) clock(c *call) time.Duration { return p.now.Sub(c.since) }

// onHold says that the call in hand gives no sound: either side holds it.
func (c *call) onHold() bool { return c.held || c.farHeld }

// lineLamp is the lamp of the telephone's own line.
func (p *Phone) lineLamp() hal.Signal {
	switch {
	case p.state == ringing, p.state == reminding, p.waiting.id != "":
		return hal.Flash
	case p.held.id != "" && !p.joined, p.state == talking && p.call.onHold():
		return hal.Wink
	case p.state != idle:
		return hal.On
	case !p.online:
		return hal.Blip
	case p.missing > 0:
		return hal.Island
	}
	return hal.Off
}
