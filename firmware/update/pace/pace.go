// Package pace slows down what would be in the way of calls.
package pace

import (
	"context"
	"sync"
	"time"
)

// Pace lets so many octets a second through. It is safe for concurrent use.
type Pace struct {
	rate int64 // octets a second

	mu   sync.Mutex // guards free
	free time.Time  // when what was let through until now is paid for
}

// New makes a pace of rate octets a second, which is positive.
func New(rate int64) *Pace { return &Pace{rate: rate} }

// Wait returns when n octets more may pass, or with the error of ctx.
func (p *Pace) Wait(ctx context.Context, n int) error {
	p.mu.Lock()
	now := time.Now()
	if p.free.Before(now) {
		p.free = now
	}
	wait := p.free.Sub(now)
	p.free = p.free.Add(time.Duration(int64(n) * int64(time.Second) / p.rate))
	p.mu.Unlock()
	if wait <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
