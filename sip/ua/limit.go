package ua

import (
	"net/netip"
	"time"
)

// bucket is a token bucket: burst at once, then rate a second.
type bucket struct {
	tokens float64
	at     time.Time
}

// take removes a token and returns 0, or returns how long to wait for one.
func (b *bucket) take(now time.Time, rate, burst float64) time.Duration {
	if b.at.IsZero() {
		b.tokens = burst
	} else {
		b.tokens = min(burst, b.tokens+now.Sub(b.at).Seconds()*rate)
	}
	b.at = now
	if b.tokens >= 1 {
		b.tokens--
		return 0
	}
	return time.Duration((1 - b.tokens) / rate * float64(time.Second))
}

// sources bounds how often one address may begin a TLS handshake, which is the
// dearest thing a stranger can ask of us.
type sources struct {
	m map[netip.Addr]*bucket
}

const (
	handshakeRate  = 5 // a second and address
	handshakeBurst = 20
	maxSources     = 1024
)

func (s *sources) allow(now time.Time, a netip.Addr) bool {
	b := s.m[a]
	if b == nil {
		if len(s.m) >= maxSources {
			for k, old := range s.m { // forget those that are full again
				if now.Sub(old.at) > handshakeBurst/handshakeRate*time.Second {
					delete(s.m, k)
				}
			}
			if len(s.m) >= maxSources {
				return false
			}
		}
		b = &bucket{}
		s.m[a] = b
	}
	return b.take(now, handshakeRate, handshakeBurst) == 0
}
