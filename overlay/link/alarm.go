package link

import (
	"sync"
	"time"
)

// alarm is a timer for the earliest of the moments that it was set to. Setting it
// costs next to nothing while an earlier one is still to come, so that whoever
// makes a deadline may say so each time.
type alarm struct {
	timer *time.Timer

	mu sync.Mutex
	at time.Time // zero: not set
}

func newAlarm() *alarm {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &alarm{timer: timer}
}

// set has the alarm ring at a moment, unless it rings before. Zero is never.
func (a *alarm) set(at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at.IsZero() || !a.at.IsZero() && !at.Before(a.at) {
		return
	}
	a.at = at
	a.timer.Reset(time.Until(at))
}

// rung makes an alarm that has rung one that is not set. It is called before one
// looks at what is due: what comes after that look sets it anew.
func (a *alarm) rung() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = time.Time{}
}
