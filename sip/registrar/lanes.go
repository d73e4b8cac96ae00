package registrar

import "context"

const (
	maxRunning = 64   // questions to the location service at once
	maxLane    = 8    // requests that wait for one address
	maxWaiting = 2000 // ... for all of them
)

// job is what is done for one address while nothing else is: begin is called in the
// loop when it is its turn, work outside of it unless it is nil, done in the loop again.
type job func() (work func(context.Context), done func())

// lanes lets one job of each address run at a time, in order, and not too many
// together.
type lanes struct {
	start   func(work func(context.Context), done func()) bool
	busy    map[string]bool  // addresses with a job that runs, or waits in ready
	queue   map[string][]job // behind it
	ready   []turn           // its turn, but too many run
	running int
	waiting int // all of ready and queue
}

type turn struct {
	aor string
	job job
}

func newLanes(start func(func(context.Context), func()) bool) *lanes {
	return &lanes{start: start, busy: map[string]bool{}, queue: map[string][]job{}}
}

// add takes a job, or says that there is no room.
func (l *lanes) add(aor string, j job) bool {
	if l.waiting >= maxWaiting || len(l.queue[aor]) >= maxLane {
		return false
	}
	l.waiting++
	if l.busy[aor] {
		l.queue[aor] = append(l.queue[aor], j)
		return true
	}
	l.busy[aor] = true
	l.ready = append(l.ready, turn{aor, j})
	l.next()
	return true
}

// next starts what may start. It is also called now and then in case the stack had
// no goroutine left.
func (l *lanes) next() {
	for l.running < maxRunning && len(l.ready) > 0 {
		t := l.ready[0]
		work, done := t.job()
		if work == nil {
			l.ready = l.ready[1:]
			l.waiting--
			done()
			l.free(t.aor)
			continue
		}
		if !l.start(work, func() { l.finished(t.aor, done) }) {
			return
		}
		l.ready = l.ready[1:]
		l.running++
		l.waiting--
	}
}

func (l *lanes) finished(aor string, done func()) {
	done()
	l.running--
	l.free(aor)
	l.next()
}

// free lets the next one of an address have its turn.
func (l *lanes) free(aor string) {
	if q := l.queue[aor]; len(q) > 0 {
		l.ready = append(l.ready, turn{aor, q[0]})
		l.queue[aor] = q[1:]
		if len(q) == 1 {
			delete(l.queue, aor)
		}
	} else {
		delete(l.busy, aor)
	}
}
