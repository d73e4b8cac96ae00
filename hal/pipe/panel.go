package pipe

import (
	"fmt"
	"io"
	"sync"
	"time"

	"chordophone/hal"
)

const (
	// maxQueue is how many events wait for a slow reader.
	maxQueue = 1024
	// flushTime is how long Close waits for a reader to take the last events.
	flushTime = time.Second
)

// Panel implements hal.Panel on a reader and a writer.
type Panel struct {
	events chan hal.Event
	lines  chan line // from the reader to the interpreter

	stop     chan struct{} // closed when the panel ends, for whatever reason
	stopOnce sync.Once
	written  chan struct{} // closed when the writer has ended
	wake     chan struct{} // something to write, capacity 1

	mu    sync.Mutex
	queue [][]byte
	lost  int          // since the last report
	shown *hal.Picture // nil before the first
	err   error        // why the output ended
}

// New starts a panel on in and out. Close ends it; a Read of in that is under way
// then is left behind, for nothing can end it in general.
func New(in io.Reader, out io.Writer) *Panel {
	p := &Panel{
		events:  make(chan hal.Event, 64),
		lines:   make(chan line),
		stop:    make(chan struct{}),
		written: make(chan struct{}),
		wake:    make(chan struct{}, 1),
	}
	go p.read(in)
	go p.interpret()
	go p.write(out)
	return p
}

// Events implements hal.Panel. It is closed after quit, after Close, and when the
// output is closed.
func (p *Panel) Events() <-chan hal.Event { return p.events }

// Show prints the picture if it is another than the last.
func (p *Panel) Show(pic hal.Picture) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown == nil || *p.shown != pic {
		p.shown = &pic
		p.put(picture(pic))
	}
	return p.err
}

// Tell implements hal.Panel.
func (p *Panel) Tell(n hal.Notice) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.put(n)
}

// put queues a notice; mu is held.
func (p *Panel) put(n hal.Notice) {
	room := maxQueue - len(p.queue)
	if p.lost > 0 && room >= 2 {
		p.report()
	} else if p.lost > 0 || room == 0 {
		p.lost++
		return
	}
	p.queue = append(p.queue, encode(time.Now(), n))
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// report queues the gap in the events; mu is held.
func (p *Panel) report() {
	p.queue = append(p.queue, encode(time.Now(), hal.Fault{
		Message: fmt.Sprintf("%d events were lost here", p.lost),
		Hint:    "read the events faster",
	}))
	p.lost = 0
}

// Close writes what is queued, waits a second at most for that, and closes Events.
// It returns the error that ended the output, if one did.
func (p *Panel) Close() error {
	p.end()
	late := time.NewTimer(flushTime)
	defer late.Stop()
	select {
	case <-p.written:
	case <-late.C: // nobody reads
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *Panel) end() { p.stopOnce.Do(func() { close(p.stop) }) }

// interpret turns lines into movements of keys.
func (p *Panel) interpret() {
	defer close(p.events)
	for {
		select {
		case <-p.stop:
			return
		case l := <-p.lines:
			moves, quit, err := parse(l)
			if err != nil {
				p.Tell(hal.Fault{Message: err.Error(), Hint: help})
			}
			for _, ev := range moves {
				select {
				case p.events <- ev:
				case <-p.stop:
					return
				}
			}
			if quit {
				return
			}
		}
	}
}

// write ends when the panel does and the queue is empty, or when out fails.
func (p *Panel) write(out io.Writer) {
	defer close(p.written)
	for stopping := false; ; {
		b := p.take()
		if b == nil {
			if stopping {
				return
			}
			select {
			case <-p.wake:
			case <-p.stop:
				stopping = true
			}
			continue
		}
		if _, err := out.Write(b); err != nil {
			p.mu.Lock()
			p.err = fmt.Errorf("writing events: %w", err)
			p.mu.Unlock()
			p.end()
			return
		}
	}
}

// take removes all that is queued, nil if nothing is.
func (p *Panel) take() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost > 0 && len(p.queue) < maxQueue {
		p.report()
	}
	var b []byte
	for _, l := range p.queue {
		b = append(b, l...)
	}
	p.queue = p.queue[:0]
	return b
}
