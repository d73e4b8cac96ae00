package sim

import (
	"time"

	"chordophone/overlay/chord"
)

// happening is something that is to happen to a host.
type happening struct {
	at   time.Duration
	seq  uint64 // what was planned first comes first
	host int
	life int // of the host: what was meant for a former one is void
	ev   chord.Event
	do   func() // instead of an event
}

func (h *happening) before(o *happening) bool {
	return h.at < o.at || h.at == o.at && h.seq < o.seq
}

// agenda is a heap of happenings, the earliest on top.
type agenda []happening

func (a *agenda) push(h happening) {
	s := append(*a, h)
	i := len(s) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !s[i].before(&s[parent]) {
			break
		}
		s[i], s[parent] = s[parent], s[i]
		i = parent
	}
	*a = s
}

func (a *agenda) pop() happening {
	s := *a
	top := s[0]
	last := len(s) - 1
	s[0] = s[last]
	s[last] = happening{}
	s = s[:last]
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < last; c++ {
			if s[c].before(&s[least]) {
				least = c
			}
		}
		if least == i {
			break
		}
		s[i], s[least] = s[least], s[i]
		i = least
	}
	*a = s
	return top
}
