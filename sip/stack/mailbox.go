package stack

import (
	"net/netip"
	"sync"

	"chordophone/sip/wire"

	"github.com/emiago/sipgo/sip"
)

// job is something for the loop: a function, or a message that came.
type job struct {
	f func()

	msg     sip.Message
	verdict wire.Verdict
	flow    *Flow // the connection that it came by, or nil:
	socket  *socket
	from    netip.AddrPort
	local   netip.Addr
}

// mailbox holds the work for the loop, and says whose turn it is to do it: one
// goroutine's at a time. That is Run's, which is woken for it, or that of who brought
// work while nobody had the turn and can do it at once, which saves waking another
// goroutine, mostly in another thread. What fills the mailbox is bounded elsewhere: a
// connection by its slots, datagrams here.
type mailbox struct {
	wake chan struct{}

	mu        sync.Mutex // guards the rest
	jobs      []job
	spare     []job // emptied, to be used again
	datagrams int   // in jobs
	taken     bool  // the turn
	closed    bool
}

// post hands a job over and never blocks. It reports whether the job was taken; it
// is refused once Run is over.
func (b *mailbox) post(j job) bool {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return false
	}
	b.jobs = append(b.jobs, j)
	call := !b.taken && len(b.jobs) == 1
	b.mu.Unlock()
	if call {
		b.call()
	}
	return true
}

// bring is post for a goroutine that can do the loop's work itself; it has the turn
// if the second result says so.
func (b *mailbox) bring(j job) (posted, turn bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false, false
	}
	b.jobs = append(b.jobs, j)
	turn = !b.taken
	b.taken = true
	return true, turn
}

// postDatagram is post unless so many datagrams wait already.
func (b *mailbox) postDatagram(j job, limit int) bool {
	if !b.room(limit) {
		return false
	}
	return b.post(j)
}

// bringDatagram is bring unless so many datagrams wait already.
func (b *mailbox) bringDatagram(j job, limit int) (posted, turn bool) {
	if !b.room(limit) {
		return false, false
	}
	return b.bring(j)
}

// room makes place for a datagram, if there is.
func (b *mailbox) room(limit int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.datagrams >= limit {
		return false
	}
	b.datagrams++
	return true
}

// call wakes Run.
func (b *mailbox) call() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// claim takes the turn, unless somebody has it.
func (b *mailbox) claim() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	got := !b.taken
	b.taken = true
	return got
}

// yield gives the turn back, unless there is more to do.
func (b *mailbox) yield() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken = len(b.jobs) > 0
	return !b.taken
}

// pass gives the turn to Run.
func (b *mailbox) pass() {
	b.mu.Lock()
	b.taken = false
	b.mu.Unlock()
	b.call()
}

// take empties the mailbox.
func (b *mailbox) take() []job {
	b.mu.Lock()
	defer b.mu.Unlock()
	jobs := b.jobs
	b.jobs, b.spare, b.datagrams = b.spare, nil, 0
	return jobs
}

// done gives back what take gave.
func (b *mailbox) done(jobs []job) {
	clear(jobs)
	b.mu.Lock()
	defer b.mu.Unlock()
	if cap(jobs) <= 4*maxBehind {
		b.spare = jobs[:0]
	}
}

// whileOpen calls f, which must be quick, unless Run is over.
func (b *mailbox) whileOpen(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		f()
	}
	return !b.closed
}

func (b *mailbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}
