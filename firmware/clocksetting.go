package firmware

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chordophone/firmware/appliance/clock"
	"chordophone/firmware/appliance/clock/consensus"
)

// Why a clock is not set by hand.
var (
	errOthersClock = hinted{errors.New("the clock of this machine is not this program's to set: others look after it"), "set it there, as for any other program"}
	errServed      = hinted{errors.New("the clock is that of a time server"), "status says so as long as one answers"}
	errBackwards   = hinted{errors.New("that is in the past: the phone had a later time already, and a clock is set forward only"),
		"is the time zone right? Z at the end says UTC; only a time server sets a clock back, which DHCP can name"}
	errNoTime   = hinted{errors.New("that cannot be now"), "the year, the month, the day: 2026-11-23T10:30"}
	errNotMoved = hinted{errors.New("the machine has not moved its clock"), "log says why"}
)

// nearlyRight is how far a clock may be ahead of what a person says and yet be right.
const nearlyRight = time.Second

// clockMoves is how long process 1 may take to move the clock.
const clockMoves = 5 * time.Second

// byHand is what a person says that the time is.
type byHand struct {
	to   time.Time
	said time.Time  // when, by the monotonic clock
	done chan error // capacity 1
}

// now is what the time is by now.
func (h byHand) now() time.Time { return h.to.Add(time.Since(h.said)) }

// set sets the clock, as a person says, and returns when that has happened. A clock that
// is up to a minute ahead is made slower instead: consensus.Slowest.
func (t *timekeeping) set(ctx context.Context, to time.Time) error {
	if t.shift == nil {
		return errOthersClock
	}
	h := byHand{to: to.Round(0), said: time.Now(), done: make(chan error, 1)}
	select {
	case t.hands <- h: // not while others are asked, whose answers are by the clock as it was
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-h.done:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	for t.wall().Round(0).Before(h.now().Add(-time.Second)) {
		if time.Since(h.said) > clockMoves {
			return errNotMoved
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// obey has the clock moved as a person says. It reports whether it is right then: one that
// is ahead is only made slower, and others need not believe it.
func (t *timekeeping) obey(h byHand) (right bool, err error) {
	by := h.now().Sub(t.wall().Round(0))
	switch {
	case t.synced():
		return false, errServed
	case by < -consensus.Slowest:
		return false, errBackwards
	case by > consensus.Farthest, !clock.Plausible(h.to):
		return false, errNoTime
	}
	t.log.Warn("the clock is set by hand", "by", by)
	if err := t.shift(by); err != nil {
		return false, fmt.Errorf("%w: %w", errNotMoved, err)
	}
	return by > -nearlyRight, nil
}
