package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrTooMany is the error for one capture too many.
var ErrTooMany = errors.New("capture: too many captures at once; end one of them")

// Bounds.
const (
	maxRuns   = 8
	maxQueue  = 1024    // frames that wait for one file
	maxOctets = 4 << 20 // in them
)

// Hub hands frames to captures. The zero Hub is ready; it costs next to nothing
// while nobody captures. It is safe for concurrent use.
type Hub struct {
	running atomic.Int32 // len(runs)
	mu      sync.Mutex   // guards what follows
	runs    []*run
}

// run is one capture.
type run struct {
	wake chan struct{} // tells Run to look

	mu     sync.Mutex // guards what follows
	queue  []entry
	octets int
	lost   uint64 // since the last one queued
}

// entry is a packet and how many were lost before it.
type entry struct {
	packet
	lost uint64
}

// Running is the number of captures under way.
func (h *Hub) Running() int { return int(h.running.Load()) }

// Summary is what a capture came to.
type Summary struct {
	Frames uint64 // written
	Lost   uint64 // because they came faster than they could be written
}

func (s Summary) String() string {
	if s.Lost == 0 {
		return fmt.Sprintf("%d frames", s.Frames)
	}
	return fmt.Sprintf("%d frames, %d lost: the capture was too slow", s.Frames, s.Lost)
}

// Frame takes a frame that went from one end of a connection to the other. It
// does not block and keeps nothing of frame. // implements link.Tap
func (h *Hub) Frame(at time.Time, from, to netip.AddrPort, frame []byte) {
	if h.running.Load() == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := packet{at, from, to, bytes.Clone(frame)} // shared by all runs
	for _, r := range h.runs {
		r.put(p)
	}
}

func (r *run) put(p packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == maxQueue || r.octets+len(p.frame) > maxOctets {
		r.lost++
		return
	}
	r.queue = append(r.queue, entry{p, r.lost})
	r.octets += len(p.frame)
	r.lost = 0
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// take empties the queue.
func (r *run) take() (batch []entry, lost uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	batch, r.queue, r.octets = r.queue, nil, 0
	return batch, r.lost
}

// Run writes what goes by to w until ctx ends or w fails, in which case the error
// is that of w. It calls w.Write from one goroutine, with whole blocks, and at
// once for what has come: a reader sees it live.
func (h *Hub) Run(ctx context.Context, w io.Writer) (s Summary, err error) {
	r := &run{wake: make(chan struct{}, 1)}
	if err := h.begin(r); err != nil {
		return s, err
	}
	defer h.end(r)
	buf := appendHead(nil)
	for {
		if _, err := w.Write(buf); err != nil {
			return s, fmt.Errorf("capture: %w", err)
		}
		buf = buf[:0]
		done := false
		select {
		case <-r.wake:
		case <-ctx.Done():
			done = true
			h.end(r)
		}
		batch, lost := r.take()
		for _, e := range batch {
			buf = appendPacket(buf, e.packet, e.lost)
			s.Frames++
			s.Lost += e.lost
		}
		if done {
			s.Lost += lost
			if _, err := w.Write(appendStatistics(buf, time.Now(), s)); err != nil {
				return s, fmt.Errorf("capture: %w", err)
			}
			return s, nil
		}
	}
}

func (h *Hub) begin(r *run) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.runs) == maxRuns {
		return ErrTooMany
	}
	h.runs = append(h.runs, r)
	h.running.Store(int32(len(h.runs)))
	return nil
}

// end takes a capture out, if it is still in.
func (h *Hub) end(r *run) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.runs = slices.DeleteFunc(h.runs, func(x *run) bool { return x == r })
	h.running.Store(int32(len(h.runs)))
}
