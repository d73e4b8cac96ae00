package ringnode

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/link"
)

// Tally is what came in by kind of message.
type Tally map[string]Count

// Count is of messages and of the octets of their contents and security blocks:
// without forwarding header, framing, TLS and TCP.
type Count struct {
	Messages uint64 `json:"messages"`
	Octets   uint64 `json:"octets"`
}

// Add adds what another node counted.
func (t Tally) Add(u Tally) {
	for kind, c := range u {
		sum := t[kind]
		t[kind] = Count{sum.Messages + c.Messages, sum.Octets + c.Octets}
	}
}

// Sub is what was counted since u.
func (t Tally) Sub(u Tally) Tally {
	out := make(Tally, len(t))
	for kind, c := range t {
		if c != u[kind] {
			out[kind] = Count{c.Messages - u[kind].Messages, c.Octets - u[kind].Octets}
		}
	}
	return out
}

// tally is a transport that counts what it hands on.
type tally struct {
	link   *link.Link
	events chan chord.Event

	mu sync.Mutex // guards in
	in Tally
}

func newTally(l *link.Link) *tally {
	return &tally{link: l, events: make(chan chord.Event), in: make(Tally)}
}

func (t *tally) Send(to overlay.Peer, m chord.Message) { t.link.Send(to, m) }
func (t *tally) Events() <-chan chord.Event            { return t.events }

func (t *tally) run(ctx context.Context) {
	for {
		var ev chord.Event
		select {
		case ev = <-t.link.Events():
		case <-ctx.Done():
			return
		}
		if r, ok := ev.(chord.Receive); ok {
			t.count(r.Msg)
		}
		select {
		case t.events <- ev:
		case <-ctx.Done():
			return
		}
	}
}

func (t *tally) count(m chord.Message) {
	kind := strings.TrimPrefix(fmt.Sprintf("%T", m.Body), "chord.")
	if s, ok := m.Body.(chord.Store); ok && s.Replica > 0 {
		kind = "Store (replica)"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.in[kind]
	t.in[kind] = Count{c.Messages + 1, c.Octets + uint64(len(m.Raw))}
}

func (t *tally) snapshot() Tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.in)
}
