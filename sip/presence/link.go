package presence

import (
	"math/rand/v2"
	"time"
)

// Times of a link.
const (
	signOfLife = 2 * time.Second        // asked for so often; stack.Flow.Watch
	firstTime  = 2 * time.Second        // a first connection may take so long before anybody hears of it
	remake     = 500 * time.Millisecond // ... and one that replaces a lost one
	retryMin   = time.Second            // from one attempt to the next
	retryMax   = 1500 * time.Millisecond
	retryPause = 100 * time.Millisecond // at least, after one that took long
)

// linkAct is what a link wants done.
type linkAct uint8

const (
	connect  linkAct = iota // over any connection
	anew                    // over a new one
	hangUp                  // end the connection
	reached                 // the phone is there: subscribe
	vanished                // it is not
)

func (a linkAct) String() string {
	return [...]string{"connect", "connect anew", "hang up", "reached", "vanished"}[a]
}

// link is the connection to another phone on which its addresses are watched, as a
// value. It is tried for as long as it exists.
//
//	     begin            connected: reached
//	new -------> trying --------------------> up
//	              |  ^ \___time: vanished      |
//	       failed:|  | time                    | lost
//	      vanished|  |                         v
//	              v  |                  trying anew: as above
//	             waiting
type link struct {
	up, trying bool
	began      time.Time // the latest attempt
	retry      time.Time // when to try again; zero: not
	grace      time.Time // until when it is nobody's business; zero: passed
	told       bool      // that it vanished
	rng        *rand.Rand
}

// next is when the link wants a tick; zero: never.
func (l *link) next() time.Time {
	if l.grace.IsZero() || !l.retry.IsZero() && l.retry.Before(l.grace) {
		return l.retry
	}
	return l.grace
}

// begin makes the first attempt.
func (l *link) begin(now time.Time) []linkAct {
	l.grace = now.Add(firstTime)
	return []linkAct{l.try(now, connect)}
}

func (l *link) try(now time.Time, how linkAct) linkAct {
	l.trying, l.began, l.retry = true, now, time.Time{}
	return how
}

// connected says that an attempt has come to something.
func (l *link) connected() []linkAct {
	l.up, l.trying, l.told = true, false, false
	l.retry, l.grace = time.Time{}, time.Time{}
	return []linkAct{reached}
}

// failed says that the attempt has not.
func (l *link) failed(now time.Time) []linkAct {
	l.trying = false
	l.retry = l.began.Add(retryMin + time.Duration(l.rng.Int64N(int64(retryMax-retryMin))))
	if least := now.Add(retryPause); l.retry.Before(least) {
		l.retry = least
	}
	return l.tell()
}

func (l *link) tell() []linkAct {
	l.grace = time.Time{}
	if l.told {
		return nil
	}
	l.told = true
	return []linkAct{vanished}
}

// lost says that the connection has ended.
func (l *link) lost(now time.Time) []linkAct {
	if !l.up {
		return nil
	}
	l.up = false
	l.grace = now.Add(remake)
	return []linkAct{l.try(now, anew)}
}

// gone says that somebody else believes the phone to be dead: a new connection
// will show.
func (l *link) gone(now time.Time) []linkAct {
	if !l.up {
		return nil
	}
	return append([]linkAct{hangUp}, l.lost(now)...)
}

// back says that somebody else believes it to be alive.
func (l *link) back(now time.Time) []linkAct {
	if l.up || l.trying {
		return nil
	}
	return []linkAct{l.try(now, anew)}
}

// tick says that time has passed.
func (l *link) tick(now time.Time) []linkAct {
	var acts []linkAct
	if !l.grace.IsZero() && !now.Before(l.grace) {
		acts = l.tell()
	}
	if !l.retry.IsZero() && !now.Before(l.retry) {
		acts = append(acts, l.try(now, anew))
	}
	return acts
}
