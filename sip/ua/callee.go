package ua

import "time"

// This file is the machine of the side that is called (RFC 3261, section 13.3),
// and of either side when the other changes the session (section 14.2).

func (m *machine) agreed(now time.Time, in agreed) {
	if m.state == weighing || m.state == confirmed {
		m.farHolds(in.held)
	}
	switch {
	case m.state == weighing && m.replaces:
		m.state = confirmed
		m.do(report{kind: reportReplaced})
		m.accept(now)
		if !m.delayed {
			m.talk()
		}
		m.do(supplant{})
	case m.state == weighing:
		m.state = ringing
		m.deadline = now.Add(ringTime)
		m.do(respond{to: toInvite, status: 180})
		m.do(report{kind: reportOffered})
	case m.state == confirmed && m.renewing:
		m.renewing = false
		m.accept(now)
	case m.state == confirmed && !m.answered:
		m.talk()
	case m.state == confirmed && m.change.phase == accepting:
		m.changed()
	}
}

// talk tells the owner that the two sides agreed.
func (m *machine) talk() {
	m.answered = true
	m.do(report{kind: reportAnswered})
	if m.farHeld {
		m.do(report{kind: reportHeld, far: true, on: true})
	}
}

func (m *machine) disagreed(now time.Time, in disagreed) {
	const cause = "no common ground in the session descriptions"
	refusal := 488
	if in.malformed {
		refusal = 400
	}
	switch {
	case m.state == calling:
		m.end(488, "no sound for this call", false)
	case m.state == weighing:
		m.do(respond{to: toInvite, status: refusal})
		m.finish() // the owner never heard of it
	case m.state == confirmed && m.renewing:
		m.renewing = false
		m.do(respond{to: toInvite, status: refusal}) // the session stays: RFC 3261, section 14.2
	case m.state == confirmed && m.change.phase == offered:
		m.refused() // no re-INVITE could be made
	case m.state == confirmed && (!m.answered || m.change.phase == accepting):
		m.ended(488, cause, false)
		m.leave(now)
	}
}

// accept sends 200 to the INVITE at hand, and again until it is acknowledged.
func (m *machine) accept(now time.Time) {
	m.unacked = unacked{since: now, next: now.Add(t1), wait: t1}
	m.do(respond{to: toInvite, status: 200})
}

func (m *machine) ack(now time.Time, in ack) {
	if m.unacked.since.IsZero() {
		return
	}
	m.unacked = unacked{}
	switch {
	case m.state == leaving:
		m.leave(now)
	case m.state == confirmed && m.delayed && !in.answer && !m.answered:
		m.disagreed(now, disagreed{}) // RFC 3264: our offer must be answered
	case m.state == confirmed && m.delayed && in.answer:
		m.delayed = false
		m.do(negotiate{"accept"})
	}
}

// renewable reports whether no INVITE within the dialog is at hand, either way.
func (m *machine) renewable() bool {
	return m.state == confirmed && m.unacked.since.IsZero() && !m.renewing && m.change.phase != offered && m.change.phase != accepting
}

func (m *machine) reinvite(in reinvite) {
	switch {
	case m.renewable():
		m.renewing = true
		m.delayed = !in.offer
		m.do(take{})
		m.do(negotiate{describe(in.offer)})
	case m.state == confirmed, m.state == calling, m.state == proceeding, m.state == cancelling:
		m.do(respond{to: toExtra, status: 491}) // RFC 3261, section 14.2
	case m.state == weighing, m.state == ringing:
		m.do(respond{to: toExtra, status: 500}) // the same section: before the final response
	default:
		m.do(respond{to: toExtra, status: 481})
	}
}
