// Package nodetest has an in-memory network and store for nodes: whole offices
// in one test, in a synctest bubble if it likes.
package nodetest

import (
	"slices"
	"sync"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// Net joins transports. Messages arrive at once, in order, and are never lost
// but to nodes that are off.
type Net struct {
	mu    sync.Mutex
	nodes []*Transport
}

// Transport is one node's connection to the Net.
type Transport struct {
	net    *Net
	self   overlay.Peer
	off    bool // under net.mu
	events chan chord.Event
}

// queue is how many events wait for a node; more are lost, as on a real network.
const queue = 4096

// Attach adds a node.
func (n *Net) Attach(self overlay.Peer) *Transport {
	t := &Transport{net: n, self: self, events: make(chan chord.Event, queue)}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nodes = append(n.nodes, t)
	return t
}

// Off switches a node off: its neighbours learn it when they next send to it, as
// from a connection that breaks.
func (t *Transport) Off() {
	t.net.mu.Lock()
	defer t.net.mu.Unlock()
	t.off = true
}

// Events implements node.Transport.
func (t *Transport) Events() <-chan chord.Event { return t.events }

// Send implements node.Transport.
func (t *Transport) Send(to overlay.Peer, m chord.Message) {
	t.net.mu.Lock()
	defer t.net.mu.Unlock()
	if t.off {
		return
	}
	i := slices.IndexFunc(t.net.nodes, func(x *Transport) bool {
		return !x.off && (x.self.ID == to.ID || to.ID.IsZero() && x.self.Addr == to.Addr)
	})
	if i < 0 {
		t.put(chord.Lost{Peer: to.ID})
		return
	}
	t.net.nodes[i].put(chord.Receive{From: t.self, Msg: m})
}

func (t *Transport) put(ev chord.Event) {
	select {
	case t.events <- ev:
	default:
	}
}

// Store keeps records in memory. It outlives the node, as a disk does.
type Store struct {
	mu      sync.Mutex
	records map[overlay.Slot]overlay.Record
	err     error // what Apply answers
}

// Fail makes every Apply from now on fail.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Load implements node.Store.
func (s *Store) Load(each func(overlay.Record) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

// Apply implements node.Store.
func (s *Store) Apply(save []overlay.Record, drop []overlay.Slot) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if s.records == nil {
		s.records = make(map[overlay.Slot]overlay.Record)
	}
	for _, slot := range drop {
		delete(s.records, slot)
	}
	for _, r := range save {
		s.records[r.Slot()] = r
	}
	return nil
}

// Has returns what the store holds in a slot.
func (s *Store) Has(slot overlay.Slot) (overlay.Record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[slot]
	return r, ok
}
