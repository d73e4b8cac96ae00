package selftest

import (
	"sync"
	"time"

	"chordophone/hal"
)

// loopDelay is long enough to tell oneself from one's own voice.
const loopDelay = 500 * time.Millisecond

// Loop is a call with oneself: what is spoken is heard a moment later. It is used by one
// goroutine at a time or by several.
type Loop struct {
	mu    sync.Mutex // guards what follows
	delay [hal.Rate * int(loopDelay/time.Millisecond) / 1000]int16
	in    int // where the next sample goes
	out   int // where the next one comes from
}

// NewLoop returns a silent loop.
func NewLoop() *Loop { return new(Loop) }

// Capture takes a frame from the microphone.
func (l *Loop) Capture(pcm []int16) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range pcm {
		l.delay[l.in] = s
		l.in = (l.in + 1) % len(l.delay)
	}
	l.out = l.in // the oldest
}

// Playout fills a frame for the earpiece with the oldest there is.
func (l *Loop) Playout(pcm []int16) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range pcm {
		pcm[i] = l.delay[l.out]
		l.out = (l.out + 1) % len(l.delay)
	}
}
