package sound

import (
	"context"
	"net"
	"sync"
	"time"

	"chordophone/hal"
	"chordophone/hal/pcm"
)

const (
	// freshness is how much sound from the socket is kept for the microphone:
	// enough for a sender of 20 ms at a time that is up to as much early or late. What
	// is older is dropped, as the air drops what nobody listens to.
	freshness = 4 * hal.FrameSamples

	// earFrames and sendBuffer (bytes) bound how far a slow listener can lag
	// behind; beyond it frames are lost.
	earFrames  = 8
	sendBuffer = 4096

	redial = 250 * time.Millisecond
)

// socket exchanges raw sound with a listening stream socket and connects again
// whenever the connection is gone. Neither side of it ever blocks the telephone.
//
//	peer --> receive --> mic (newest 40 ms) --> Read
//	peer <-- send    <-- ear (8 frames)     <-- Write
type socket struct {
	path string
	mic  room
	ear  chan []byte

	stop context.CancelFunc
	done chan struct{}
}

func dial(path string) *socket {
	ctx, stop := context.WithCancel(context.Background())
	s := &socket{path: path, ear: make(chan []byte, earFrames), stop: stop, done: make(chan struct{})}
	go s.run(ctx)
	return s
}

// Close ends the connection and waits for the goroutines.
func (s *socket) Close() error {
	s.stop()
	<-s.done
	return nil
}

func (s *socket) run(ctx context.Context) {
	defer close(s.done)
	for ctx.Err() == nil {
		var d net.Dialer
		if conn, err := d.DialContext(ctx, "unix", s.path); err == nil {
			s.exchange(ctx, conn.(*net.UnixConn))
		}
		select {
		case <-ctx.Done():
		case <-time.After(redial):
		}
	}
}

// exchange returns when the connection is gone.
func (s *socket) exchange(ctx context.Context, conn *net.UnixConn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	conn.SetWriteBuffer(sendBuffer)
	for len(s.ear) > 0 { // left from before: too old to be heard
		<-s.ear
	}
	var wg sync.WaitGroup
	wg.Go(func() { s.send(ctx, conn); cancel() })
	s.receive(conn)
	cancel()
	wg.Wait()
	conn.Close()
}

func (s *socket) send(ctx context.Context, conn net.Conn) {
	for {
		select {
		case <-ctx.Done():
			return
		case b := <-s.ear:
			if _, err := conn.Write(b); err != nil {
				return
			}
		}
	}
}

func (s *socket) receive(conn net.Conn) {
	var buf [4096]byte
	kept := 0 // bytes of a sample that arrived in two parts
	for {
		n, err := conn.Read(buf[kept:])
		n += kept
		s.mic.put(buf[:n&^1])
		kept = n & 1
		buf[0] = buf[max(n-1, 0)]
		if err != nil {
			return
		}
	}
}

// room is the air before the microphone: what was sent last, and no more than
// freshness of it. What waits without need is taken out of the air, for it would be
// heard late as long as the call lasts: all that nobody listened to, and what has lain
// there at every take for a while.
type room struct {
	mu      sync.Mutex
	samples []int16
	taken   time.Time // the last take
	takes   int       // since least was begun
	least   int       // samples left by each of them
}

const (
	pause    = 6 * hal.Frame // between two takes: nobody listened
	patience = 100           // takes
	blend    = 64            // samples over which the air closes
)

func (r *room) put(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples = pcm.ParseS16LE(r.samples, b)
	if old := len(r.samples) - freshness; old > 0 {
		r.samples = append(r.samples[:0], r.samples[old:]...)
	}
}

// take fills samples, or leaves silence when the sender is late: half a frame
// would be a click in the middle of a word.
func (r *room) take(samples []int16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if old := len(r.samples) - len(samples); old > 0 && now.Sub(r.taken) > pause {
		r.samples = append(r.samples[:0], r.samples[old:]...)
	}
	r.taken = now
	if len(r.samples) < len(samples) {
		clear(samples)
		r.takes, r.least = 0, 0
		return
	}
	n := copy(samples, r.samples)
	r.samples = append(r.samples[:0], r.samples[n:]...)
	r.settle()
}

// settle takes out, from time to time, what was left by all takes.
func (r *room) settle() {
	if r.least = min(r.least, len(r.samples)); r.takes == 0 {
		r.least = len(r.samples)
	}
	if r.takes++; r.takes < patience {
		return
	}
	if spare := r.least - blend; spare > blend {
		for i := range blend {
			r.samples[spare+i] = int16((int(r.samples[i])*(blend-i) + int(r.samples[spare+i])*i) / blend)
		}
		r.samples = append(r.samples[:0], r.samples[spare:]...)
	}
	r.takes = 0
}

// socketEnd is the microphone or the earpiece of one stream.
type socketEnd struct{ *socket }

func (e socketEnd) Read(samples []int16) error {
	e.mic.take(samples)
	return nil
}

func (e socketEnd) Write(samples []int16) error {
	select {
	case e.ear <- pcm.AppendS16LE(make([]byte, 0, 2*len(samples)), samples):
	default: // the listener is slow
	}
	return nil
}

// Close leaves the connection to the streams that follow.
func (e socketEnd) Close() error { return nil }
