package ua

import "time"

// This file is the machine of what either side may do while the call is
// confirmed, apart from ending it and from the far side's re-INVITE (callee.go).

// phase is how far a change of the session has come that we began (RFC 3261,
// section 14.1).
//
//	settled --re-INVITE--> offered --2xx--> accepting --agreed--> settled
//	   ^                      |
//	   |                      +--491--> pausing --some time--> settled
//	   +---------other--------+
type phase uint8

const (
	settled phase = iota
	offered
	accepting
	pausing
)

// change is hold and retrieve, and the refresh of a session that expires.
type change struct {
	wish, held bool // what the owner wants, and what the far side agreed to
	offer      bool // the hold that the re-INVITE at hand asks for
	refresh    bool // the session must be refreshed
	phase      phase
	until      time.Time // offered: given up; pausing: tried again
}

// renew sends the re-INVITE that is wanted as soon as no other INVITE is at
// hand in either direction.
func (m *machine) renew(now time.Time) {
	c := &m.change
	if m.state != confirmed || !m.answered || m.renewing || !m.unacked.since.IsZero() ||
		c.phase != settled || c.wish == c.held && !c.refresh {
		return
	}
	c.phase, c.offer = offered, c.wish
	c.until = now.Add(2 * giveUpTime) // a backstop: the transaction has its own clock
	m.do(reoffer{hold: c.offer})
}

func (m *machine) renewed(now time.Time, in renewed) {
	c := &m.change
	success := in.status >= 200 && in.status < 300
	switch {
	case success && m.state == confirmed && c.phase == offered:
		c.phase, c.until = accepting, time.Time{}
		m.do(sendAck{})
		m.do(negotiate{"accept"})
	case success && (m.state == confirmed || m.state == leaving):
		m.do(sendAck{}) // the same again, or too late
	case m.state != confirmed || c.phase != offered:
	case in.status == 491:
		c.phase, c.until = pausing, now.Add(in.wait)
	case in.status == 408 || in.status == 481: // RFC 3261, section 12.2.1.2
		m.ended(in.status, "the far side knows the call no more", true)
		m.leave(now)
	default:
		if c.refresh {
			m.session.refresh = now.Add(retryTime) // until it expires
		}
		m.refused()
	}
}

// changed: both sides agreed to our re-INVITE.
func (m *machine) changed() {
	c := &m.change
	c.phase, c.refresh = settled, false
	if c.held != c.offer {
		c.held = c.offer
		m.do(report{kind: reportHeld, on: c.held})
	}
}

// refused: the session stays as it was.
func (m *machine) refused() {
	c := &m.change
	c.phase, c.until, c.refresh = settled, time.Time{}, false
	if c.offer != c.held {
		m.do(revert{hold: c.held})
		m.do(report{kind: reportHeld, on: c.held})
	}
	if c.wish == c.offer {
		c.wish = c.held
	}
}

// farHolds notes whether the far side wants our sound. While we hold, its
// answers say nothing of that.
func (m *machine) farHolds(on bool) {
	if on == m.farHeld || m.change.phase == accepting && m.change.offer {
		return
	}
	m.farHeld = on
	if m.answered {
		m.do(report{kind: reportHeld, far: true, on: on})
	}
}

// ---- transfer: RFC 3515, RFC 5589 ----

// transferring is REFER of ours and what it leads to.
type transferring struct {
	active   bool
	accepted bool      // 202
	until    time.Time // the far side has to say what became of it
}

func (m *machine) transfer(now time.Time) {
	switch {
	case m.reported: // it has ended for the owner
		return
	case m.state != confirmed || !m.answered || m.refer.active:
		m.do(report{kind: reportReferred, status: 491, cause: "the call cannot be transferred now"})
		return
	}
	m.refer = transferring{active: true, until: now.Add(ringTime + giveUpTime)}
	m.do(sendRefer{})
}

func (m *machine) referred(in referred) {
	switch {
	case !m.refer.active:
	case in.status >= 200 && in.status < 300:
		m.refer.accepted = true
	default:
		m.referOver(in.status, "the far side refused to be transferred")
	}
}

func (m *machine) notified(now time.Time, in notified) {
	switch {
	case !m.refer.active:
	case in.status >= 200 && in.status < 300:
		m.referOver(200, "")
		m.ended(200, "transferred", false)
		m.leave(now)
	case in.status >= 300:
		m.referOver(in.status, "the call went on to nobody")
	case in.last:
		m.referOver(408, "the far side does not say what became of it")
	}
}

// left: the far side hangs up, which after 202 means that it is elsewhere now.
func (m *machine) left() {
	if m.refer.active && m.refer.accepted {
		m.referOver(200, "")
	}
}

func (m *machine) referOver(status int, cause string) {
	m.refer = transferring{}
	m.do(report{kind: reportReferred, status: status, cause: cause})
}

// referredElsewhere: the far side asks us to call somebody else.
func (m *machine) referredElsewhere() {
	switch {
	case m.state != confirmed && m.state != leaving:
		m.do(respond{to: toExtra, status: 481})
	case m.state == leaving || !m.answered || m.follows:
		m.do(respond{to: toExtra, status: 480})
	default:
		m.follows = true
		m.do(respond{to: toExtra, status: 202})
		m.do(follow{})
	}
}

// followed: the call that REFER asked for was answered, or came to nothing and
// this one goes on. The transferor ends this one once it is answered; if it
// does not, we do.
func (m *machine) followed(now time.Time, in followed) {
	m.follows = false
	if m.state == confirmed && in.status < 300 {
		m.deadline = now.Add(giveUpTime)
	}
}

// ---- session timers: RFC 4028 ----

const (
	retryTime = 10 * time.Second // after a refresh that was refused
	maxEarly  = 32 * time.Second // BYE goes so much before the session expires, or a third
)

// lifetime is when a session ends unless it is refreshed; zero: never.
type lifetime struct {
	refresh, expire time.Time
}

func (m *machine) timed(now time.Time, in timed) {
	m.session = lifetime{}
	if m.state != confirmed || in.interval == 0 {
		return
	}
	m.session.expire = now.Add(in.interval - min(maxEarly, in.interval/3)) // section 10
	if in.ours {
		m.session.refresh = now.Add(in.interval / 2)
	}
}

// ---- time ----

func (m *machine) tickDialog(now time.Time) {
	if passed(now, m.change.until) {
		m.change.until = time.Time{}
		if m.change.phase == pausing {
			m.change.phase = settled
		} else {
			m.renewed(now, renewed{status: 408})
		}
	}
	if passed(now, m.refer.until) {
		m.referOver(408, "the far side does not say what became of it")
	}
	if passed(now, m.session.refresh) {
		m.session.refresh = time.Time{}
		m.change.refresh = true
	}
	switch {
	case m.state != confirmed:
	case passed(now, m.session.expire):
		m.ended(408, "the far side was not heard of any more", false)
		m.leave(now)
	case passed(now, m.deadline):
		m.ended(200, "transferred", false)
		m.leave(now)
	}
}

// settle forgets all that this file waits for.
func (m *machine) settle() {
	m.change.phase, m.change.until = settled, time.Time{}
	m.refer = transferring{}
	m.session = lifetime{}
}
