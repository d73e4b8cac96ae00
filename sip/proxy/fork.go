package proxy

import (
	"fmt"
	"time"
)

const (
	// timerC bounds how long a branch may ring without a word: RFC 3261, section
	// 16.6, step 11, wants more than three minutes.
	timerC = 181 * time.Second
	// What a hop that is alive takes at most to say anything: then the next way
	// to the same client is tried as well. Nothing but the answer itself comes to
	// other requests than INVITE, and a client may take its time for that.
	hedgeInvite = 500 * time.Millisecond
	hedgeOther  = 2 * time.Second
)

// leg names one client transaction: alternative number try of a branch.
type leg struct{ branch, try int }

func (l leg) String() string { return fmt.Sprintf("%d.%d", l.branch, l.try) }

// event is what happens to a fork.
type event struct {
	kind   eventKind
	leg    leg // of provisional, final and lost
	status int // of provisional and final; of lost what it stands for
}

type eventKind uint8

const (
	begin       eventKind = iota
	provisional           // 1xx
	final                 // 2xx to 6xx
	lost                  // no response will come: 408 in time, 480 nobody there, 503 no room here
	cancelled             // the caller gave up
	tick
)

// action is what a fork wants done.
type action struct {
	kind   actionKind
	leg    leg
	status int // of reply, when no leg's response is meant
}

type actionKind uint8

const (
	send      actionKind = iota // begin the client transaction
	forward                     // the response that just came goes upstream now
	keep                        // it may be the best in the end: do not lose it
	giveUp                      // CANCEL the client transaction
	elsewhere                   // CANCEL it, since somebody answered
	choose                      // send the kept response of leg upstream
	reply                       // send a response of our own
	forget                      // nothing is left to be done
)

// fork is the response context of RFC 3261, section 16.7: one request at several
// branches, of which each leads to one client, by several ways that are tried one
// after another.
//
//	          begin            101-199, 2xx
//	unused ---------> calling -------------> ringing
//	   ^  hedge, lost    |  \                   |
//	   |  of another     |   `--- 100 --> trying|
//	   |                 v                      v
//	   `- - - - - - -  over <-- final, lost ----'
//
// A branch's first leg to ring is the one that counts, and its other legs are
// cancelled. When all legs are over, or unused with nothing to begin them, the best
// final response goes upstream; a 2xx goes there at once.
type fork struct {
	invite   bool
	stopped  bool // 2xx, 6xx or CANCEL: no leg begins any more
	replied  bool // a final response has gone upstream
	success  bool // it was a 2xx
	quit     bool // the caller gave up
	over     bool
	arrivals int
	branches []branch
	out      []action
}

type branch struct {
	legs  []legState
	hedge time.Time // when the next leg begins if no word has come; zero: never
	won   bool      // a leg rang, or the client refused: no leg begins any more
	ended bool      // the client refused: what its other legs say does not count
}

type legState struct {
	state   state
	given   bool      // up: cancelled by us
	expired bool      // by Timer C
	status  int       // its final response, or what its loss stands for
	local   bool      // it is of our own making
	arrival int       // order of final responses
	c       time.Time // Timer C
}

type state uint8

const (
	unused  state = iota
	calling       // no response yet
	trying        // 100
	ringing       // 101-199
	over
)

// newFork makes a fork of one branch for each number of ways.
func newFork(invite bool, ways []int) fork {
	f := fork{invite: invite, branches: make([]branch, len(ways))}
	for i, n := range ways {
		f.branches[i].legs = make([]legState, n)
	}
	return f
}

// step takes one event and says what to do, in order. The actions hold until the
// next step.
func (f *fork) step(now time.Time, ev event) []action {
	f.out = f.out[:0]
	switch ev.kind {
	case begin:
		for i := range f.branches {
			f.next(now, i)
		}
	case provisional:
		f.provisional(now, ev.leg, ev.status)
	case final:
		f.final(now, ev.leg, ev.status)
	case lost:
		f.lost(now, ev.leg, ev.status)
	case cancelled: // section 16.10
		f.stopped, f.quit = true, true
		f.cancelAll(giveUp)
	case tick:
		f.tick(now)
	}
	f.finish()
	return f.out
}

func (f *fork) do(kind actionKind, l leg) { f.out = append(f.out, action{kind: kind, leg: l}) }

// next begins the first unused leg of a branch and reports whether there was one.
func (f *fork) next(now time.Time, i int) bool {
	b := &f.branches[i]
	b.hedge = time.Time{}
	if f.stopped || b.won {
		return false
	}
	for try := range b.legs {
		l := &b.legs[try]
		if l.state != unused {
			continue
		}
		l.state = calling
		if f.invite {
			l.c = now.Add(timerC)
		}
		if try+1 < len(b.legs) {
			wait := hedgeOther
			if f.invite {
				wait = hedgeInvite
			}
			b.hedge = now.Add(wait)
		}
		f.do(send, leg{i, try})
		return true
	}
	return false
}

func (f *fork) provisional(now time.Time, at leg, status int) {
	b := &f.branches[at.branch]
	l := &b.legs[at.try]
	if l.state == unused || l.state == over {
		return
	}
	b.hedge = time.Time{} // whoever speaks is alive
	if status == 100 {    // section 16.7, step 5: not forwarded
		if l.state == calling {
			l.state = trying
		}
		return
	}
	l.state = ringing
	if f.invite && !l.expired {
		l.c = now.Add(timerC) // section 16.7, step 2
	}
	if l.given {
		return
	}
	b.won = true
	f.cancelOthers(at)
	if !f.replied {
		f.do(forward, at)
	}
}

func (f *fork) final(now time.Time, at leg, status int) {
	b := &f.branches[at.branch]
	l := &b.legs[at.try]
	if l.state == unused {
		return
	}
	if status < 300 {
		f.end(l, status)
		if f.replied && !(f.invite && f.success) {
			return // the caller's transaction is over
		}
		f.replied, f.success, f.stopped = true, true, true
		f.do(forward, at) // at once and always: section 16.7, step 5
		f.cancelAll(elsewhere)
		return
	}
	if l.state == over {
		return
	}
	silent := l.state == calling
	unrung := silent || l.state == trying
	b.hedge = time.Time{}
	f.end(l, status)
	if l.expired {
		l.status, l.local = 408, true // what it says to our CANCEL says nothing
	} else {
		f.do(keep, at)
	}
	if status >= 600 {
		f.stopped = true
		f.cancelAll(giveUp)
		return
	}
	// This way does not lead to the client, another may.
	if status == 503 && unrung || status == 430 && unrung || status == 408 && silent {
		f.another(now, at.branch)
		return
	}
	if f.pending(b) && (l.given || status == 482) {
		return // the client has the request by another way: RFC 3261, section 8.2.2.2
	}
	b.won, b.ended = true, true
	f.cancelOthers(at)
}

func (f *fork) lost(now time.Time, at leg, status int) {
	l := &f.branches[at.branch].legs[at.try]
	if l.state == unused || l.state == over {
		return
	}
	if l.expired {
		status = 408
	}
	f.end(l, status)
	l.local = true
	b := &f.branches[at.branch]
	b.won = b.ended // what rang by it cannot be heard any more
	f.another(now, at.branch)
}

// another tries the next way if the branch has none left at work.
func (f *fork) another(now time.Time, i int) {
	if !f.pending(&f.branches[i]) {
		f.next(now, i)
	}
}

func (f *fork) end(l *legState, status int) {
	if l.state != over {
		f.arrivals++
		l.state, l.status, l.arrival, l.c = over, status, f.arrivals, time.Time{}
	}
}

func (f *fork) pending(b *branch) bool {
	for i := range b.legs {
		if s := b.legs[i].state; s != unused && s != over {
			return true
		}
	}
	return false
}

func (f *fork) cancelOthers(at leg) {
	b := &f.branches[at.branch]
	b.hedge = time.Time{}
	for try := range b.legs {
		if try != at.try {
			f.cancel(leg{at.branch, try}, giveUp)
		}
	}
}

func (f *fork) cancelAll(kind actionKind) {
	for i := range f.branches {
		f.branches[i].hedge = time.Time{}
		for try := range f.branches[i].legs {
			f.cancel(leg{i, try}, kind)
		}
	}
}

// cancel gives a leg up. Only INVITE can be cancelled: section 9.1.
func (f *fork) cancel(at leg, kind actionKind) {
	l := &f.branches[at.branch].legs[at.try]
	if !f.invite || l.given || l.state == unused || l.state == over {
		return
	}
	l.given = true
	f.do(kind, at)
}

func (f *fork) tick(now time.Time) {
	for i := range f.branches {
		b := &f.branches[i]
		if !b.hedge.IsZero() && !now.Before(b.hedge) {
			f.next(now, i)
		}
		for try := range b.legs {
			if l := &b.legs[try]; !l.c.IsZero() && !now.Before(l.c) { // section 16.8
				l.c, l.expired = time.Time{}, true
				f.cancel(leg{i, try}, giveUp)
			}
		}
	}
}

// nextTime is when a tick is due, zero for never.
func (f *fork) nextTime() time.Time {
	var at time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for i := range f.branches {
		sooner(f.branches[i].hedge)
		for try := range f.branches[i].legs {
			sooner(f.branches[i].legs[try].c)
		}
	}
	return at
}

// finish sends the best response once no other can come.
func (f *fork) finish() {
	if f.over {
		return
	}
	waiting, all := false, true
	for i := range f.branches {
		if b := &f.branches[i]; f.pending(b) {
			waiting = waiting || !b.ended
			all = false
		}
	}
	if !waiting && !f.replied {
		f.replied = true
		f.best()
	}
	if all {
		f.over = true
		f.out = append(f.out, action{kind: forget})
	}
}
