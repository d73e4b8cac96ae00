package ua

import "sync"

// mailbox hands work to the loop. It never blocks the sender, so that the loop
// may post to itself from within a transaction's callback. What fills it is
// bounded elsewhere: each flow has at most one message in it, each transaction
// at most one end, each look-up one result.
type mailbox struct {
	wake chan struct{}

	mu     sync.Mutex // guards the rest
	work   []func(*loop)
	closed bool
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// post reports whether the work was taken; it is refused once Run is over.
func (b *mailbox) post(f func(*loop)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.work = append(b.work, f)
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

// take empties the mailbox.
func (b *mailbox) take() []func(*loop) {
	b.mu.Lock()
	defer b.mu.Unlock()
	work := b.work
	b.work = nil
	return work
}

func (b *mailbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}
