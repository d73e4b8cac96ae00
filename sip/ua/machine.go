package ua

import (
	"fmt"
	"time"
)

// Times of a call. T1 and T2 are those of RFC 3261, section 17.1.1.1.
const (
	t1 = 500 * time.Millisecond
	t2 = 4 * time.Second

	lookupTime  = 5 * time.Second   // the location service has to answer
	connectTime = 2 * time.Second   // one contact has to take a connection
	replyTime   = 3 * time.Second   // one contact has to answer INVITE with anything
	ringTime    = 180 * time.Second // somebody has to answer (RFC 3261, section 16.6, timer C)
	giveUpTime  = 64 * t1           // the far side has to confirm: Timers B, F, H
)

type state uint8

const (
	idle       state = iota
	locating         // we call: asked the location service
	calling          // INVITE on its way to one contact, nothing heard
	proceeding       // a provisional response came
	cancelling       // given up by us; the INVITE still wants its final response
	weighing         // we are called: the offer is being looked at
	ringing          // the owner knows
	confirmed        // 200 sent or received
	leaving          // hung up by us; BYE wants its response
	over
)

var stateNames = [...]string{"idle", "locating", "calling", "proceeding", "cancelling", "weighing", "ringing", "confirmed", "leaving", "over"}

func (s state) String() string { return stateNames[s] }

// machine is the state of one call: both roles of RFC 3261, sections 13 to 15.
//
//	idle --dial--> locating --located--> calling --1xx--> proceeding
//	  |                                   |  ^ next contact   |
//	invited                              2xx  \______________/|
//	  v                                   |         2xx       |
//	weighing --agreed--> ringing          v<------------------+
//	                       |--answer--> confirmed --hangup--> leaving --BYE done--> over
//	                       |              |  ^ ACK stops 200     ^
//	                       v              v                      | 2xx: ACK, BYE
//	              over <--CANCEL         over <--BYE          cancelling <--hangup-- calling, proceeding
//
// A call that replaces another (RFC 3891) goes from weighing to confirmed. What
// happens while confirmed (hold, transfer, expiry) is in dialog.go.
//
// Whatever is not drawn ends in over by a failure, a refusal or a timeout.
type machine struct {
	state state

	// We call.
	contacts  int  // how many the location service named
	contact   int  // which one is tried
	fresh     bool // over a connection made for it
	reused    bool // over one that was there before
	status    int  // last provisional status reported
	cancelled bool // CANCEL is sent

	// We are called, or a session is changed.
	delayed  bool // the offer is ours, in the 200; the answer comes in ACK
	renewing bool // the latest INVITE is within the dialog
	unacked  unacked
	replaces bool // instead of another call of ours: answered without ringing

	change  change       // the session is changed by us
	refer   transferring // we pass the far side on to somebody else
	farHeld bool         // the far side wants no sound of ours
	follows bool         // we were passed on, and call
	session lifetime     // RFC 4028

	answered bool // Answered is reported
	reported bool // Ended is reported

	deadline time.Time // zero: none
	acts     []action
}

// unacked is a 200 to INVITE that is sent again until ACK comes, whatever the
// transport (RFC 3261, section 13.3.1.4).
type unacked struct {
	since, next time.Time // zero: nothing waits for ACK
	wait        time.Duration
}

// next is when the machine wants a tick; zero: never.
func (m *machine) next() time.Time {
	var next time.Time
	for _, t := range [...]time.Time{m.deadline, m.unacked.next, m.change.until, m.refer.until, m.session.refresh, m.session.expire} {
		if next.IsZero() || !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	return next
}

// step takes one input and says what is to be done, in that order.
func (m *machine) step(now time.Time, in input) []action {
	m.acts = m.acts[:0]
	if m.state == over {
		return nil
	}
	switch in := in.(type) {
	case dial:
		m.must(idle)
		m.state = locating
		m.deadline = now.Add(lookupTime)
		m.do(lookup{})
	case located:
		m.located(now, in)
	case sent:
		if m.state == calling {
			m.reused = in.reused
			m.deadline = now.Add(replyTime)
		}
	case provisional:
		m.provisional(now, in)
	case success:
		m.success(now)
	case failure:
		m.failure(now, in)
	case unreachable:
		m.unreachable(now)

	case invited:
		m.must(idle)
		m.state = weighing
		m.delayed, m.replaces = !in.offer, in.replaces
		m.do(respond{to: toInvite, status: 100})
		m.do(negotiate{describe(in.offer)})
	case agreed:
		m.agreed(now, in)
	case disagreed:
		m.disagreed(now, in)
	case ack:
		m.ack(now, in)
	case cancel:
		if m.state == ringing || m.state == weighing {
			m.do(respond{to: toInvite, status: 487})
			m.end(487, in.cause, true)
		} // else it has no effect: RFC 3261, section 9.2
	case bye:
		m.bye(in)
	case reinvite:
		m.reinvite(in)

	case answer:
		if m.state == ringing {
			m.state = confirmed
			m.deadline = time.Time{}
			m.accept(now)
			if !m.delayed {
				m.talk()
			}
		}
	case reject:
		if m.state == ringing {
			m.do(respond{to: toInvite, status: in.status})
			m.end(in.status, "", false)
		}
	case hangup:
		m.hangup(now, in)
	case hold:
		if m.state == confirmed {
			m.change.wish = in.on
		}
	case transfer:
		m.transfer(now)

	case renewed:
		m.renewed(now, in)
	case referred:
		m.referred(in)
	case notified:
		m.notified(now, in)
	case refer:
		m.referredElsewhere()
	case followed:
		m.followed(now, in)
	case timed:
		m.timed(now, in)

	case byeDone:
		if m.state == leaving {
			m.finish()
		}
	case tick:
		m.tick(now)
	default:
		panic(fmt.Sprintf("BUG: no such input %T", in))
	}
	m.renew(now)
	return m.acts
}

func (m *machine) do(a action) { m.acts = append(m.acts, a) }

func (m *machine) must(s state) {
	if m.state != s {
		panic(fmt.Sprintf("BUG: %v where only %v can be", m.state, s))
	}
}

func describe(offered bool) string {
	if offered {
		return "answer"
	}
	return "offer"
}

// ---- the end ----

func (m *machine) bye(in bye) {
	switch m.state {
	case weighing, ringing: // RFC 3261, section 15.1.2
		m.do(respond{to: toExtra, status: 200})
		m.do(respond{to: toInvite, status: 487})
		m.end(487, in.cause, true)
	case confirmed:
		m.do(respond{to: toExtra, status: 200})
		m.left()
		m.end(200, in.cause, true)
	case leaving: // they crossed
		m.do(respond{to: toExtra, status: 200})
		if !m.unacked.since.IsZero() {
			m.finish()
		}
	default:
		m.do(respond{to: toExtra, status: 481})
	}
}

func (m *machine) hangup(now time.Time, in hangup) {
	switch m.state {
	case locating:
		m.end(487, in.cause, false)
	case calling:
		m.ended(487, in.cause, false)
		m.state = cancelling
	case proceeding:
		m.ended(487, in.cause, false)
		m.state = cancelling
		m.cancel(now)
	case ringing:
		m.do(respond{to: toInvite, status: 480})
		m.end(480, in.cause, false)
	case confirmed:
		m.ended(200, in.cause, false)
		m.leave(now)
	}
}

// leave sends BYE, or has it wait: the side that was called must not send one
// before ACK (RFC 3261, section 15).
func (m *machine) leave(now time.Time) {
	m.state = leaving
	m.settle()
	if m.unacked.since.IsZero() {
		m.deadline = now.Add(giveUpTime + t1) // a backstop: the transaction has its own clock
		m.do(sendBye{})
	}
}

// end is for a call that has nothing more to say to the far side.
func (m *machine) end(status int, cause string, far bool) {
	m.ended(status, cause, far)
	m.finish()
}

func (m *machine) ended(status int, cause string, far bool) {
	if !m.reported && m.state != weighing {
		m.do(report{kind: reportEnded, status: status, cause: cause, far: far})
	}
	m.reported = true
}

func (m *machine) finish() {
	m.state = over
	m.deadline, m.unacked = time.Time{}, unacked{}
	m.settle()
	m.do(forget{})
}

// ---- time ----

func (m *machine) tick(now time.Time) {
	if !m.unacked.next.IsZero() && !now.Before(m.unacked.next) {
		if now.Sub(m.unacked.since) >= giveUpTime {
			m.unacked = unacked{}
			m.ended(408, "the far side never acknowledged the answer", false)
			m.leave(now)
		} else {
			m.unacked.wait = min(2*m.unacked.wait, t2)
			m.unacked.next = now.Add(m.unacked.wait)
			if limit := m.unacked.since.Add(giveUpTime); m.unacked.next.After(limit) {
				m.unacked.next = limit
			}
			m.do(respond{to: toInvite, status: 200})
		}
	}
	if m.state == confirmed {
		m.tickDialog(now)
	}
	if !passed(now, m.deadline) {
		return
	}
	switch m.state {
	case locating:
		m.end(503, "the office did not say in time where the number is", false)
	case calling:
		m.do(drop{})
		m.unreachable(now)
	case proceeding:
		m.ended(408, "nobody answered", false)
		m.state = cancelling
		m.cancel(now)
	case cancelling:
		if !m.cancelled {
			m.do(drop{})
		}
		m.finish()
	case ringing:
		m.do(respond{to: toInvite, status: 480})
		m.end(480, "nobody answered", false)
	case leaving:
		m.finish()
	default:
		m.deadline = time.Time{}
	}
}

// passed reports whether a time that is set has come.
func passed(now, t time.Time) bool { return !t.IsZero() && !now.Before(t) }
