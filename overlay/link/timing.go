package link

import (
	"sync"
	"time"
)

// rto estimates the time an ACK takes. // RFC 6298, section 2
type rto struct {
	srtt, rttvar time.Duration // zero before the first measurement
}

func (r *rto) measure(rtt time.Duration) {
	if r.srtt == 0 {
		r.srtt, r.rttvar = rtt, rtt/2
		return
	}
	r.rttvar += ((r.srtt - rtt).Abs() - r.rttvar) / 4
	r.srtt += (rtt - r.srtt) / 8
}

// timeout is how long a frame may go without ACK before the peer is lost: the RTO
// (RFC 6940, section 6.6.5) within bounds, since a phone may be at its disk.
func (r *rto) timeout() time.Duration {
	return min(max(r.srtt+4*r.rttvar, minAckTimeout), maxAckTimeout)
}

// bucket limits the rate of messages: it holds one token for each.
type bucket struct {
	tokens float64
	at     time.Time
}

// take takes a token and says how long to wait for it.
func (b *bucket) take(now time.Time) time.Duration {
	b.tokens = min(b.tokens+now.Sub(b.at).Seconds()*messageRate, messageBurst) - 1
	b.at = now
	if b.tokens >= 0 {
		return 0
	}
	return time.Duration(-b.tokens / messageRate * float64(time.Second))
}

// allowance is a bucket that many share and that nobody waits for.
type allowance struct {
	mu     sync.Mutex
	tokens float64
	at     time.Time
}

// take takes one of perSecond tokens, a second's worth of which may have been
// saved, if there is one.
func (a *allowance) take(now time.Time, perSecond float64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens = min(a.tokens+now.Sub(a.at).Seconds()*perSecond, perSecond)
	a.at = now
	if a.tokens < 1 {
		return false
	}
	a.tokens--
	return true
}
