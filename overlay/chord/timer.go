package chord

import (
	"container/heap"
	"time"
)

// timer is something to be done later.
type timer struct {
	at  time.Time
	seq uint64 // of those at the same time, the first made is the first done
	do  func()
}

// timers is a heap: the next is the first.
type timers []timer

func (t timers) Len() int { return len(t) }
func (t timers) Less(i, j int) bool {
	if !t[i].at.Equal(t[j].at) {
		return t[i].at.Before(t[j].at)
	}
	return t[i].seq < t[j].seq
}
func (t timers) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)   { *t = append(*t, x.(timer)) }
func (t *timers) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	(*t)[last] = timer{}
	*t = (*t)[:last]
	return x
}

func (n *Node) later(d time.Duration, do func()) {
	n.timerSeq++
	heap.Push(&n.timers, timer{n.now.Add(d), n.timerSeq, do})
}

func (n *Node) fireTimers() {
	for len(n.timers) > 0 && !n.now.Before(n.timers[0].at) {
		heap.Pop(&n.timers).(timer).do()
	}
}
