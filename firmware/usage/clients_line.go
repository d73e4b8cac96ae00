package usage

import (
	"context"
	"time"
)

// line is what this phone remembers of an address, so that a client that comes
// again costs no read. Registers of one address wait for each other.
type line struct {
	busy  chan struct{} // capacity 1, held by the Register at work; it guards the rest
	users int           // Registers that want it; under Clients.mu
	read  time.Time     // when held was what the ring has
	held  []held
}

// enter waits for the line of an address.
func (c *Clients) enter(ctx context.Context, user string) (*line, error) {
	c.mu.Lock()
	l := c.lines[user]
	if l == nil {
		if len(c.lines) >= maxLines {
			for user, l := range c.lines {
				if l.users == 0 {
					delete(c.lines, user)
				}
			}
		}
		l = &line{busy: make(chan struct{}, 1)}
		c.lines[user] = l
	}
	l.users++
	c.mu.Unlock()
	select {
	case l.busy <- struct{}{}:
		return l, nil
	case <-ctx.Done():
		c.mu.Lock()
		l.users--
		c.mu.Unlock()
		return nil, ctx.Err()
	}
}

func (c *Clients) leave(l *line) {
	<-l.busy
	c.mu.Lock()
	l.users--
	c.mu.Unlock()
}
