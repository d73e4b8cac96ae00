package manage

import (
	"net/netip"
	"sync"
	"time"
)

// door decides which connections may try to authenticate. Each source has a
// bucket of tokens; a connection takes one and brings it back if it
// authenticates.
type door struct {
	mu       sync.Mutex // guards all
	sources  map[netip.Addr]*source
	pending  int // handshakes
	refused  int // connections since the last report
	reported time.Time
}

// source is one address, or all those that there was no room for.
type source struct {
	tokens  float64
	counted time.Time // when tokens was right
	pending int
}

// reportEvery is how often refused connections are worth a line in the log.
const reportEvery = time.Minute

// enter says whether a connection from this address may try. If so, leave is to be
// called once.
func (d *door) enter(now time.Time, from netip.Addr) (*source, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.source(now, from)
	s.count(now)
	if d.pending >= maxHandshakes || s.pending >= maxPerSource || s.tokens < 1 {
		d.refused++
		return nil, false
	}
	s.tokens--
	s.pending++
	d.pending++
	return s, true
}

// leave ends a try.
func (d *door) leave(s *source, authenticated bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if authenticated {
		s.tokens = min(burst, s.tokens+1)
	}
	s.pending--
	d.pending--
}

// report is how many connections were refused, 0 if it was said a short time ago.
func (d *door) report(now time.Time) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Sub(d.reported) < reportEvery {
		return 0
	}
	n := d.refused
	d.refused, d.reported = 0, now
	return n
}

// source finds or makes the entry for an address.
func (d *door) source(now time.Time, from netip.Addr) *source {
	if s := d.sources[from]; s != nil {
		return s
	}
	if len(d.sources) >= sources {
		for a, s := range d.sources {
			if s.count(now); s.pending == 0 && s.tokens >= burst {
				delete(d.sources, a)
			}
		}
	}
	if len(d.sources) >= sources {
		from = netip.Addr{} // the bucket that all others share
		if s := d.sources[from]; s != nil {
			return s
		}
	}
	s := &source{tokens: burst, counted: now}
	d.sources[from] = s
	return s
}

func (s *source) count(now time.Time) {
	s.tokens = min(burst, s.tokens+float64(now.Sub(s.counted))/float64(refill))
	s.counted = now
}
