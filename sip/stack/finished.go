package stack

import (
	"time"

	"chordophone/sip/transaction"
)

const (
	kept        = 64 * transaction.T1 // Timer J: how long a finished transaction waits for the same again
	keptAtLeast = 2 * transaction.T2  // ... even when there is no room: it would have come by then
)

// finished are the transactions of UDP other than INVITE that have a final response,
// the first finished first. An INVITE's is never forgotten before its time.
type finished struct {
	queue []*served
	next  int
}

func (q *finished) push(t *served) { q.queue = append(q.queue, t) }

// first is the one finished first, nil if there is none.
func (q *finished) first() *served {
	for q.next < len(q.queue) && q.queue[q.next].over {
		q.queue[q.next] = nil
		q.next++
	}
	switch {
	case q.next == len(q.queue):
		*q = finished{}
		return nil
	case q.next > len(q.queue)/2:
		q.queue = append(make([]*served, 0, 2*(len(q.queue)-q.next)), q.queue[q.next:]...)
		q.next = 0
	}
	return q.queue[q.next]
}

// forgetOne makes room for one more transaction, if one was finished long ago.
func (s *Stack) forgetOne() bool {
	t := s.finished.first()
	if t == nil || time.Since(s.epoch) < t.alarm.at-kept+keptAtLeast {
		return false
	}
	s.endServer(t)
	return true
}
