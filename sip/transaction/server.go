package transaction

import "time"

// InviteServer is RFC 3261, figure 7, with RFC 6026, figure 8.4:
//
//	Proceeding -- 2xx to send --> Accepted (Timer L)
//	     `------- 300-699 to send --> Completed (Timers G, H) -- ACK --> Confirmed (Timer I)
type InviteServer struct{ core }

// Start begins with the INVITE. Unless a response is sent soon, Trying follows.
func (m *InviteServer) Start(now time.Time, reliable bool) {
	m.core = core{state: proceeding, reliable: reliable}
	m.repeat = now.Add(tryingAfter)
}

// Step takes what happened.
func (m *InviteServer) Step(now time.Time, ev Event) Actions {
	switch m.state {
	case proceeding:
		switch ev.Kind {
		case Again:
			if m.octets != nil {
				return Send
			}
		case Provisional:
			m.octets, m.repeat = ev.Octets, time.Time{}
			return Send
		case Success:
			// The user repeats the 2xx, and the transaction lives on only so that the
			// INVITE, come again, is not taken for a new one (RFC 6026, section 7.1).
			do := Send | m.enter(now, accepted, giveUp, false)
			m.octets = ev.Octets
			return do
		case Final:
			m.octets, m.state, m.end = ev.Octets, completed, now.Add(giveUp) // Timer H
			m.repeat = time.Time{}
			if !m.reliable {
				m.repeatEvery(now, T1) // Timer G
			}
			return Send
		case Broken:
			return Failed | m.terminate()
		case Tick:
			if due(now, m.repeat) {
				m.repeat = time.Time{}
				return Trying
			}
		}
	case accepted:
		switch ev.Kind {
		case Success:
			m.octets = ev.Octets
			return Send
		case Acked:
			m.octets = nil
			return Pass
		case Tick:
			if due(now, m.end) {
				return m.terminate()
			}
		}
	case completed:
		switch ev.Kind {
		case Again:
			return Send
		case Acked:
			return m.enter(now, confirmed, m.stragglers(T4), true) // Timer I
		case Broken:
			return Failed | m.terminate()
		case Tick:
			if due(now, m.end) {
				return TimedOut | m.terminate()
			}
			if due(now, m.repeat) {
				m.repeatEvery(now, min(2*m.interval, T2))
				return Send
			}
		}
	case confirmed:
		if ev.Kind == Tick && due(now, m.end) {
			return m.terminate()
		}
	}
	return 0
}

// Forget drops the octets of a 2xx that was sent: this machine does not repeat it.
func (m *InviteServer) Forget() {
	if m.state == accepted {
		m.octets = nil
	}
}

// Server is RFC 3261, figure 8: Trying, Proceeding, Completed (Timer J).
type Server struct{ core }

// Start begins with the request.
func (m *Server) Start(reliable bool) {
	m.core = core{state: trying, reliable: reliable}
}

// Step takes what happened. Success is not for this machine: all final responses
// are Final.
func (m *Server) Step(now time.Time, ev Event) Actions {
	switch m.state {
	case trying, proceeding:
		switch ev.Kind {
		case Again:
			if m.state == proceeding {
				return Send
			}
		case Provisional:
			m.state, m.octets = proceeding, ev.Octets
			return Send
		case Final:
			m.octets = ev.Octets
			return Send | m.enter(now, completed, m.stragglers(giveUp), false) // Timer J
		case Broken:
			return Failed | m.terminate()
		}
	case completed:
		switch {
		case ev.Kind == Again:
			return Send
		case ev.Kind == Broken:
			return Failed | m.terminate()
		case ev.Kind == Tick && due(now, m.end):
			return m.terminate()
		}
	}
	return 0
}
