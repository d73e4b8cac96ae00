package dns

import (
	"net/netip"
	"sync"
	"time"
)

const (
	sourceRate = 20  // queries a second of one source, and as many at once
	totalRate  = 500 // ... of all
	maxSources = 2048
)

// bucket lets so many through a second.
type bucket struct {
	tokens float64
	at     time.Time
}

func (b *bucket) take(now time.Time, rate float64) bool {
	if b.at.IsZero() {
		b.tokens = rate
	} else {
		b.tokens = min(b.tokens+now.Sub(b.at).Seconds()*rate, rate)
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// limiter keeps a bucket of each source. Who forges more sources than it keeps makes
// it forget, and still does not get past the total.
type limiter struct {
	mu      sync.Mutex
	total   bucket
	sources map[netip.Addr]*bucket
}

func newLimiter() limiter { return limiter{sources: map[netip.Addr]*bucket{}} }

func (l *limiter) allow(now time.Time, from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.sources[from]
	if b == nil {
		if len(l.sources) >= maxSources {
			clear(l.sources)
		}
		b = &bucket{}
		l.sources[from] = b
	}
	return b.take(now, sourceRate) && l.total.take(now, totalRate)
}
