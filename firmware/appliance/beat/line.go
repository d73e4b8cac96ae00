package beat

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Every is the time between two messages that a program lives.
const Every = 2 * time.Second

// Line is a program's end of the line to its guard.
type Line struct {
	conn   *net.UnixConn
	every  time.Duration
	health chan []Fault
	before int

	mu     sync.Mutex // guards what follows
	probes []*probe
	busy   func() bool
}

// probe is a loop that is asked whether it lives.
type probe struct {
	name  string
	ask   func(context.Context) error
	count uint64 // under Line.mu, as what follows
	asked bool
}

// Open is the line to the guard that started this program; nil when none did.
func Open() (*Line, error) {
	c, err := inherited()
	if c == nil {
		return nil, err
	}
	l := New(c)
	l.before, _ = strconv.Atoi(os.Getenv(LivesVariable)) // none is the first life
	os.Unsetenv(LivesVariable)
	return l, nil
}

// Before is how often the program was started since the machine was, before this time.
func (l *Line) Before() int {
	if l == nil {
		return 0
	}
	return l.before
}

// New makes a Line of a connection.
func New(c *net.UnixConn) *Line {
	return &Line{conn: c, every: Every, health: make(chan []Fault, 1)}
}

// Loop has a loop watched: ask makes a round trip through it, and returns nil when that
// has come back. It is called from a goroutine of its own, never twice at a time. A loop
// that does not answer for ten seconds is the end of the program.
func (l *Line) Loop(name string, ask func(context.Context) error) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.probes) < maxPulses {
		l.probes = append(l.probes, &probe{name: cut(name), ask: ask})
	}
}

// Forget has a loop that ends in order watched no longer.
func (l *Line) Forget(name string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.probes = slices.DeleteFunc(l.probes, func(p *probe) bool { return p.name == cut(name) })
}

// Busy sets what tells whether a restart now would cut somebody off.
func (l *Line) Busy(busy func() bool) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = busy
}

// Health brings all that is wrong with the machine, whenever that has changed. Of what
// is not received only the last is kept.
func (l *Line) Health() <-chan []Fault {
	if l == nil {
		return nil
	}
	return l.health
}

// Tell sends a message of the kinds that are from a program.
func (l *Line) Tell(m Message) error {
	if l == nil {
		return nil
	}
	m.Text = cut(m.Text)
	m.Faults = slices.Clone(m.Faults[:min(len(m.Faults), maxFaults)])
	for i, f := range m.Faults {
		m.Faults[i] = Fault{cut(f.Message), cut(f.Hint)}
	}
	return Send(l.conn, m)
}

// Run tells the guard that the program lives until ctx is done or the line is cut.
func (l *Line) Run(ctx context.Context) error {
	if l == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var loops sync.WaitGroup
	defer loops.Wait()
	defer context.AfterFunc(ctx, func() { l.conn.Close() })()
	loops.Go(func() {
		defer cancel()
		l.hear()
	})
	every := time.NewTicker(l.every)
	defer every.Stop()
	for {
		if err := l.Tell(l.alive(ctx, &loops)); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			l.conn.Close()
			return err
		}
		select {
		case <-ctx.Done():
			l.conn.Close()
			return nil
		case <-every.C:
		}
	}
}

// alive asks the loops, and is what they have answered until now.
func (l *Line) alive(ctx context.Context, asking *sync.WaitGroup) Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := Message{Kind: Alive}
	for _, p := range l.probes {
		m.Pulses = append(m.Pulses, Pulse{p.name, p.count})
		if p.asked {
			continue
		}
		p.asked = true
		asking.Go(func() {
			err := p.ask(ctx)
			l.mu.Lock()
			defer l.mu.Unlock()
			p.asked = false
			if err == nil {
				p.count++
			}
		})
	}
	if l.busy != nil {
		m.Busy = l.busy()
	}
	return m
}

// hear takes what the guard says until the line is cut.
func (l *Line) hear() {
	for {
		m, err := Receive(l.conn)
		switch {
		case errors.Is(err, ErrBad):
			continue
		case err != nil:
			return
		case m.Kind != Health:
			continue
		}
		select {
		case <-l.health:
		default:
		}
		l.health <- m.Faults
	}
}
