package manage

import (
	"io"
	"sync"
)

// spool stands between what streams and a client: Write never waits. Whole writes
// are dropped, and counted, while maxSpool octets wait for a client that reads
// too slowly. After the client's end has failed, so does Write.
type spool struct {
	w    io.Writer
	more chan struct{} // something has changed
	done chan struct{} // the drain has ended

	mu      sync.Mutex // guards what follows
	queue   [][]byte
	size    int // of queue
	written int64
	dropped int64 // writes
	closed  bool
	err     error
}

// newSpool begins to drain into w.
func newSpool(w io.Writer) *spool {
	s := &spool{w: w, more: make(chan struct{}, 1), done: make(chan struct{})}
	go s.drain()
	return s
}

func (s *spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return 0, s.err
	case s.closed:
		return 0, io.ErrClosedPipe
	case s.size+len(p) > maxSpool:
		s.dropped++
	default:
		s.queue = append(s.queue, append([]byte(nil), p...))
		s.size += len(p)
		s.signal()
	}
	return len(p), nil
}

func (s *spool) signal() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// drain is the goroutine that waits for the client.
func (s *spool) drain() {
	defer close(s.done)
	for {
		s.mu.Lock()
		if len(s.queue) == 0 {
			closed := s.closed
			s.mu.Unlock()
			if closed {
				return
			}
			<-s.more
			continue
		}
		p := s.queue[0]
		s.queue = s.queue[1:]
		s.mu.Unlock()
		_, err := s.w.Write(p)
		s.mu.Lock()
		s.size -= len(p)
		s.written += int64(len(p))
		if err != nil {
			s.err, s.queue = err, nil
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
	}
}

// close waits until the client has taken everything, or has gone. It returns what
// was written and how many writes were dropped.
func (s *spool) close() (written, dropped int64) {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.signal()
	<-s.done
	return s.written, s.dropped
}
