package transaction

import "time"

// InviteClient is RFC 3261, figure 5, with RFC 6026, figure 8.7:
//
//	Calling -- 1xx --> Proceeding --.
//	   |                   |        |  2xx: Accepted (Timer M), where further 2xx are passed on
//	   `-------------------+--------+
//	                                   300-699: Completed (Timer D), where each is acknowledged again
type InviteClient struct{ core }

// Start begins with the octets of the INVITE: Send.
func (m *InviteClient) Start(now time.Time, octets []byte, reliable bool) Actions {
	m.core = core{state: calling, octets: octets, reliable: reliable, end: now.Add(giveUp)} // Timer B
	if !reliable {
		m.repeatEvery(now, T1) // Timer A
	}
	return Send
}

// Ack gives the transaction the ACK that Acknowledge asked for; what it repeats is
// this from now on.
func (m *InviteClient) Ack(octets []byte) { m.octets = octets }

// Step takes what happened.
func (m *InviteClient) Step(now time.Time, ev Event) Actions {
	switch m.state {
	case calling, proceeding:
		switch ev.Kind {
		case Provisional:
			if m.state == calling { // Timers A and B are of Calling only
				m.state, m.repeat, m.end = proceeding, time.Time{}, time.Time{}
			}
			return Pass
		case Success:
			return Pass | m.enter(now, accepted, giveUp, true) // Timer M
		case Final:
			return Acknowledge | Pass | m.enter(now, completed, m.stragglers(timerD), true)
		case Cancelled: // section 9.1: considered cancelled 64*T1 after the CANCEL
			m.repeat, m.end = time.Time{}, now.Add(giveUp)
		case Broken:
			return Failed | m.terminate()
		case Tick:
			if due(now, m.end) {
				return TimedOut | m.terminate()
			}
			if due(now, m.repeat) {
				m.repeatEvery(now, 2*m.interval)
				return Send
			}
		}
	case accepted:
		switch {
		case ev.Kind == Success:
			return Pass
		case ev.Kind == Tick && due(now, m.end):
			return m.terminate()
		}
	case completed:
		switch {
		case ev.Kind == Final:
			return Send
		case ev.Kind == Broken:
			return Failed | m.terminate()
		case ev.Kind == Tick && due(now, m.end):
			return m.terminate()
		}
	}
	return 0
}

// Client is RFC 3261, figure 6: Trying, Proceeding, Completed (Timer K).
type Client struct{ core }

// Start begins with the octets of the request: Send.
func (m *Client) Start(now time.Time, octets []byte, reliable bool) Actions {
	m.core = core{state: trying, octets: octets, reliable: reliable, end: now.Add(giveUp)} // Timer F
	if !reliable {
		m.repeatEvery(now, T1) // Timer E
	}
	return Send
}

// Step takes what happened. Success is not for this machine: all final responses
// are Final.
func (m *Client) Step(now time.Time, ev Event) Actions {
	switch m.state {
	case trying, proceeding:
		switch ev.Kind {
		case Provisional:
			m.state = proceeding
			return Pass
		case Final:
			return Pass | m.enter(now, completed, m.stragglers(T4), true) // Timer K
		case Broken:
			return Failed | m.terminate()
		case Tick:
			if due(now, m.end) {
				return TimedOut | m.terminate()
			}
			if due(now, m.repeat) {
				next := min(2*m.interval, T2)
				if m.state == proceeding {
					next = T2
				}
				m.repeatEvery(now, next)
				return Send
			}
		}
	case completed:
		if ev.Kind == Tick && due(now, m.end) {
			return m.terminate()
		}
	}
	return 0
}
