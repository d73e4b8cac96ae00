package stack

import "time"

// alarm is something that wants to be called at a time. Its owner's expire is
// called once, after it was taken off the heap.
type alarm struct {
	at    time.Duration // since the stack began
	index int           // in the heap, from 1; 0: not in it
	owner interface{ expire(now time.Time) }
}

// alarms is a heap, the soonest first. Those of the same time go in no given order.
type alarms []*alarm

// set puts an alarm in, or moves it.
func (h *alarms) set(a *alarm, at time.Duration) {
	a.at = at
	if a.index == 0 {
		*h = append(*h, a)
		a.index = len(*h)
	}
	h.up(a.index)
	h.down(a.index)
}

// clear takes an alarm out, if it is in.
func (h *alarms) clear(a *alarm) {
	i := a.index
	if i == 0 {
		return
	}
	last := len(*h)
	h.swap(i, last)
	(*h)[last-1] = nil
	*h = (*h)[:last-1]
	a.index = 0
	if i < last {
		h.up(i)
		h.down(i)
	}
	if cap(*h) > 1024 && len(*h) < cap(*h)/4 { // after a flood
		*h = append(make(alarms, 0, cap(*h)/2), *h...)
	}
}

func (h alarms) swap(i, j int) {
	h[i-1], h[j-1] = h[j-1], h[i-1]
	h[i-1].index, h[j-1].index = i, j
}

func (h alarms) less(i, j int) bool { return h[i-1].at < h[j-1].at }

func (h alarms) up(i int) {
	for ; i > 1 && h.less(i, i/2); i /= 2 {
		h.swap(i, i/2)
	}
}

func (h alarms) down(i int) {
	for {
		least := i
		for _, c := range [2]int{2 * i, 2*i + 1} {
			if c <= len(h) && h.less(c, least) {
				least = c
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}

// Timer is a pending After.
type Timer struct {
	stack *Stack
	alarm alarm
	f     func()
}

func (t *Timer) expire(time.Time) { t.f() }

// Stop makes sure that f will not run. A nil timer may be stopped.
func (t *Timer) Stop() {
	if t != nil {
		t.stack.alarms.clear(&t.alarm)
	}
}

// After runs f in the loop after d, unless stopped. It is for the loop.
func (s *Stack) After(d time.Duration, f func()) *Timer {
	t := &Timer{stack: s, f: f}
	t.alarm.owner = t
	s.setAlarm(&t.alarm, time.Now().Add(d))
	return t
}

// setAlarm sets an alarm, or clears it for the zero time.
func (s *Stack) setAlarm(a *alarm, at time.Time) {
	if at.IsZero() {
		s.alarms.clear(a)
		return
	}
	s.alarms.set(a, at.Sub(s.epoch))
}

// expire calls whoever is due.
func (s *Stack) expire() {
	for len(s.alarms) > 0 {
		now := time.Now()
		a := s.alarms[0]
		if now.Sub(s.epoch) < a.at {
			return
		}
		s.alarms.clear(a)
		a.owner.expire(now)
	}
}
