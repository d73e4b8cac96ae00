package ua

import "time"

// This file is the machine of the side that calls (RFC 3261, section 13.2).

func (m *machine) located(now time.Time, in located) {
	switch {
	case m.state != locating:
	case in.status != 0:
		m.end(in.status, in.cause, false)
	case in.contacts == 0:
		m.end(480, "the number has no telephone at the moment", false)
	default:
		m.contacts = in.contacts
		m.try(now, 0, false)
	}
}

func (m *machine) try(now time.Time, contact int, fresh bool) {
	m.state = calling
	m.contact, m.fresh, m.reused = contact, fresh, false
	m.deadline = now.Add(connectTime + t1) // a backstop: the connection has its own clock
	m.do(invite{contact: contact, fresh: fresh})
}

func (m *machine) provisional(now time.Time, in provisional) {
	switch m.state {
	case calling:
		m.state = proceeding
		m.deadline = now.Add(ringTime)
		fallthrough
	case proceeding:
		if in.status > 100 && in.status != m.status {
			m.status = in.status
			m.do(report{kind: reportProgress, status: in.status})
		}
	case cancelling:
		m.cancel(now) // only now may it be sent: RFC 3261, section 9.1
	}
}

// cancel sends CANCEL once and waits for the final response of the INVITE.
func (m *machine) cancel(now time.Time) {
	if m.cancelled {
		return
	}
	m.cancelled = true
	m.deadline = now.Add(giveUpTime)
	m.do(sendCancel{})
}

func (m *machine) success(now time.Time) {
	switch m.state {
	case calling, proceeding:
		m.state = confirmed
		m.deadline = time.Time{}
		m.do(sendAck{})
		m.do(negotiate{"accept"})
	case cancelling: // it crossed our CANCEL
		m.do(sendAck{})
		m.leave(now)
	case confirmed, leaving: // the same 200 again: RFC 3261, section 13.2.2.4
		m.do(sendAck{})
	}
}

func (m *machine) failure(now time.Time, in failure) {
	switch m.state {
	case calling, proceeding:
		if elsewhere(in.status) && m.contact+1 < m.contacts {
			m.try(now, m.contact+1, false)
			return
		}
		m.end(in.status, in.cause, true)
	case cancelling:
		m.finish()
	}
}

// elsewhere tells the failures of one telephone from the word of its user.
func elsewhere(status int) bool {
	return status == 404 || status == 408 || status == 480 || status == 481 || status >= 500 && status < 600
}

// unreachable: no connection could be made, or it broke.
func (m *machine) unreachable(now time.Time) {
	switch m.state {
	case calling, proceeding:
		switch {
		case m.state == calling && m.reused && !m.fresh:
			m.try(now, m.contact, true) // an old connection may be dead while the phone lives
		case m.contact+1 < m.contacts:
			m.try(now, m.contact+1, false)
		default:
			m.end(480, "the telephone cannot be reached", m.state == proceeding)
		}
	case weighing, ringing:
		m.end(487, "the connection to the caller broke", true)
	case cancelling, leaving:
		m.finish()
	} // a dialog outlives its connection
}
