package discover

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// What the machine is told, and what it wants done, in order.
type (
	event  interface{ event() }
	action interface{ action() }

	setLinks     struct{ Links []linkState } // all that there are
	setEnrolling struct{ Open bool }
	packet       struct {
		Link linkID
		From netip.AddrPort
		Data []byte
	}
	stop struct{} // say goodbye
	tick struct{} // next has come

	send struct {
		Link linkID
		Data []byte
	}
	report struct{ Found []sighting } // all phones known, ordered by Node-ID
	twin   struct{ From netip.Addr }  // somebody else uses our Node-ID
)

func (setLinks) event()     {}
func (setEnrolling) event() {}
func (packet) event()       {}
func (stop) event()         {}
func (tick) event()         {}
func (send) action()        {}
func (report) action()      {}
func (twin) action()        {}

// Times and bounds of the protocol.
const (
	firstQuery    = time.Second            // between the first two questions
	maxQueryGap   = 60 * time.Second       // see the package comment
	strangerQuery = 10 * time.Second       // since our last question, if a known answer names a phone new to us
	announceGap   = time.Second            // after the first announcement, doubling; RFC 6762, section 8.3
	announceTimes = 3                      // at 0, 1 and 3 s: a new IPv6 address may not send for the first two
	sendGap       = 500 * time.Millisecond // between any two announcements or answers on one link

	reportChange  = 50 * time.Millisecond // until a change is reported
	reportRefresh = 10 * time.Second      // until a phone heard again is
	reportGap     = 250 * time.Millisecond
	twinGap       = time.Minute

	maxLinks = 32
)

// machine speaks multicast DNS for one phone, or for a newcomer that only asks. It
// has no goroutine, lock, clock or I/O; the package comment has its diagram.
type machine struct {
	self    presence
	mute    bool       // a newcomer: announces nothing, and listens to every office
	bound   netip.Addr // the one address to announce; not valid: all
	rng     *rand.Rand
	links   []*link
	stopped bool

	reportAt   time.Time // zero: nothing to report
	reportedAt time.Time
	twinAt     time.Time // when a twin was last told

	dropped uint64 // messages that were malformed
	out     []action
}

func newMachine(self *presence, bound netip.Addr, rng *rand.Rand) *machine {
	m := &machine{bound: bound, rng: rng, mute: self == nil}
	if self != nil {
		m.self = *self
	}
	return m
}

// step tells the machine of ev, at now, and returns what is to be done. The actions
// are valid until the next step.
func (m *machine) step(now time.Time, ev event) []action {
	m.out = m.out[:0]
	if m.stopped {
		return nil
	}
	switch ev := ev.(type) {
	case setLinks:
		m.setLinks(now, ev.Links)
	case setEnrolling:
		if m.self.Enrolling != ev.Open {
			m.self.Enrolling = ev.Open
			for _, l := range m.links { // RFC 6762, section 8.4
				l.announceAt, l.announced = now, 0
			}
		}
	case packet:
		m.receive(now, ev)
	case stop:
		m.goodbye()
		m.stopped = true
		return m.out
	}
	m.timers(now)
	return m.out
}

// next is when the next step is due at the latest; far away if nothing is.
func (m *machine) next() time.Time {
	at := time.Unix(1<<40, 0)
	earlier := func(t time.Time) {
		if !t.IsZero() && t.Before(at) {
			at = t
		}
	}
	earlier(m.reportAt)
	for _, l := range m.links {
		earlier(l.queryAt)
		earlier(m.announceDue(l))
		earlier(l.answerAt)
		for i := range l.heard {
			earlier(l.heard[i].until)
		}
	}
	return at
}

func (m *machine) timers(now time.Time) {
	due := func(t time.Time) bool { return !t.IsZero() && !t.After(now) }
	for _, l := range m.links {
		n := len(l.heard)
		l.heard = slices.DeleteFunc(l.heard, func(h heard) bool { return due(h.until) })
		if len(l.heard) < n {
			m.reportBy(now, reportChange)
		}
		switch {
		case due(m.announceDue(l)):
			l.announced++
			l.announceAt = now.Add(announceGap << (l.announced - 1))
			if l.announced == announceTimes {
				l.announceAt = time.Time{}
			}
			m.announce(now, l)
		case due(l.answerAt):
			m.announce(now, l)
		}
		if due(l.queryAt) {
			m.query(now, l)
		}
	}
	if due(m.reportAt) {
		m.reportAt, m.reportedAt = time.Time{}, now
		m.out = append(m.out, report{m.found()})
	}
}

// announceDue is when to announce on l: never faster than sendGap.
func (m *machine) announceDue(l *link) time.Time {
	if l.announceAt.IsZero() || len(l.own) == 0 {
		return time.Time{}
	}
	return latest(l.announceAt, l.lastSent.Add(sendGap))
}

// announce sends all that is to be said of this phone. It serves as an answer too.
func (m *machine) announce(now time.Time, l *link) {
	m.out = append(m.out, send{l.linkID, announcement(m.self, l.own, lifetime, l.enumerate)})
	l.lastSent, l.answerAt, l.asker, l.enumerate = now, time.Time{}, netip.Addr{}, false
}

func (m *machine) goodbye() {
	for _, l := range m.links {
		if len(l.own) > 0 && !l.lastSent.IsZero() {
			m.out = append(m.out, send{l.linkID, announcement(m.self, l.own, 0, false)}) // RFC 6762, section 10.1
		}
	}
}

// query asks which phones there are.
func (m *machine) query(now time.Time, l *link) {
	var list []known
	if len(l.own) > 0 {
		// Naming ourselves keeps us from answering our own question, which
		// multicast brings back to us, and tells others that we are here.
		list = append(list, known{m.self.ID, lifetime})
	}
	for _, h := range l.heard {
		if left := h.until.Sub(now); left >= max(h.TTL, lifetime)/2 { // RFC 6762, section 7.1
			list = append(list, known{h.ID, left})
		}
	}
	for _, data := range query(list) {
		m.out = append(m.out, send{l.linkID, data})
	}
	l.queryGap = min(max(2*l.queryGap, firstQuery), maxQueryGap)
	l.queriedAt = now
	l.queryAt = now.Add(m.jitter(l.queryGap))
}

// jitter is d, more or less a tenth.
func (m *machine) jitter(d time.Duration) time.Duration {
	return d + time.Duration((m.rng.Float64()-0.5)*float64(d)/5)
}

// within is a random delay of lo to hi.
func (m *machine) within(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(m.rng.Int64N(int64(hi-lo)))
}

const ms = time.Millisecond

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
