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

// mailbox hands work to the loop and never blocks the sender. What fills it is
// bounded elsewhere: a connection by its slots, datagrams here.
type mailbox struct {
	wake chan struct{}

	mu        sync.Mutex // guards the rest
	jobs      []job
	spare     []job // emptied, to be used again
	datagrams int   // in jobs
	closed    bool
}

// post reports whether the job was taken; it is refused once Run is over.
func (b *mailbox) post(j job) bool {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return false
	}
	b.jobs = append(b.jobs, j)
	first := len(b.jobs) == 1
	b.mu.Unlock()
	if first {
		b.ring()
	}
	return true
}

// postDatagram is post unless so many datagrams wait already.
func (b *mailbox) postDatagram(j job, limit int) bool {
	b.mu.Lock()
	if b.closed || b.datagrams >= limit {
		b.mu.Unlock()
		return false
	}
	b.datagrams++
	b.jobs = append(b.jobs, j)
	first := len(b.jobs) == 1
	b.mu.Unlock()
	if first {
		b.ring()
	}
	return true
}

func (b *mailbox) ring() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
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
