package presence

import (
	"fmt"
	"time"
)

// Times of a subscription.
const (
	collect   = 200 * time.Millisecond // at most one NOTIFY in so long
	hold      = 500 * time.Millisecond // the first NOTIFY waits so long for something to say
	tryAgain  = 5 * time.Second        // ... after a NOTIFY was refused for now
	maxFailed = 3                      // NOTIFYs in a row
)

// input is what a subscription is told.
type input interface{ input() }

type (
	subscribe struct { // also again
		expires time.Duration // 0: the end is asked for, or only the state as it is
		known   bool          // there is something to say
	}
	changed  struct{} // there is something else to say
	answered struct { // the NOTIFY has its final response
		status int           // 408 also for none
		after  time.Duration // Retry-After
	}
	end  struct{ reason string } // RFC 6665, section 4.1.3
	tick struct{}
)

func (subscribe) input() {}
func (changed) input()   {}
func (answered) input()  {}
func (end) input()       {}
func (tick) input()      {}

// action is what a subscription wants done.
type action interface{ String() string }

type (
	notify struct { // NOTIFY with the state as it is now
		reason  string        // not empty: it is the last
		expires time.Duration // how much longer the subscription holds
	}
	forget struct{}
)

func (a notify) String() string {
	if a.reason != "" {
		return "NOTIFY terminated;reason=" + a.reason
	}
	return fmt.Sprintf("NOTIFY active;expires=%s", ceilSeconds(a.expires))
}
func (forget) String() string { return "forget" }

// subscription is RFC 6665, section 4.2, as a value: when its notifier sends
// NOTIFY. Whatever changes while one is under way, or too soon after the last, is
// collected: the last state is always told, those between perhaps not.
//
//	     subscribe            changed, subscribe
//	new ----------> active <---------------------+
//	                  |  \__NOTIFY, answered_____/
//	                  | subscribe 0, end, time
//	                  v
//	                ending --NOTIFY, answered--> over
//
// Any answer that says that nobody is there leads from anywhere to over.
type subscription struct {
	expires  time.Time
	due      bool      // there is something to tell
	inFlight bool      // a NOTIFY is under way
	earliest time.Time // of the next NOTIFY
	reason   string    // not empty: ending
	final    bool      // the last NOTIFY is under way
	failed   int
	known    bool
	over     bool
}

// next is when the subscription wants a tick; zero: never.
func (s *subscription) next() time.Time {
	switch {
	case s.over, s.final, s.inFlight && s.reason != "":
		return time.Time{}
	case s.due && !s.inFlight && (s.reason != "" || s.earliest.Before(s.expires)):
		return s.earliest
	}
	return s.expires
}

// step takes one input and says what is to be done, in that order.
func (s *subscription) step(now time.Time, in input) []action {
	if _, answer := in.(answered); s.over || s.final && !answer {
		return nil
	}
	switch in := in.(type) {
	case subscribe:
		if s.reason != "" {
			break // too late: RFC 6665, section 4.1.2.2, has it answered 481
		}
		s.due, s.known = true, s.known || in.known
		if s.expires.IsZero() && !s.known {
			s.earliest = now.Add(hold)
		}
		if s.failed > 0 { // somebody is there after all
			s.failed, s.earliest = 0, now
		}
		s.expires = now.Add(in.expires)
		if in.expires == 0 {
			s.reason = "timeout"
		}
	case changed:
		if !s.known { // what it was held for
			s.known, s.earliest = true, now
		}
		s.due = true
	case answered:
		if acts := s.answered(now, in); acts != nil {
			return acts
		}
	case end:
		if s.reason == "" {
			s.reason, s.due = in.reason, true
			s.earliest = now
		}
	case tick:
		if s.reason == "" && !now.Before(s.expires) {
			s.reason, s.due = "timeout", true
			s.earliest = now
		}
	default:
		panic(fmt.Sprintf("BUG: no such input %T", in))
	}
	if !s.due || s.inFlight || now.Before(s.earliest) {
		return nil
	}
	s.due, s.inFlight, s.final = false, true, s.reason != ""
	s.earliest = now.Add(collect)
	return []action{notify{reason: s.reason, expires: s.expires.Sub(now)}}
}

// answered is RFC 6665, section 4.2.2.
func (s *subscription) answered(now time.Time, in answered) []action {
	s.inFlight = false
	switch {
	case s.final, nobody(in.status):
		s.over = true
		return []action{forget{}}
	case in.status/100 == 2:
		s.failed = 0
	case s.failed+1 == maxFailed:
		s.over = true
		return []action{forget{}}
	default:
		s.failed++
		s.due = true
		s.earliest = now.Add(max(in.after, tryAgain))
	}
	return nil
}

// nobody tells the answers to a NOTIFY that end its subscription: RFC 6665,
// section 4.2.2, and those of RFC 5057, section 5.1, that end the usage or dialog.
func nobody(status int) bool {
	switch status {
	case 401, 404, 405, 407, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604:
		return true
	}
	return false
}
