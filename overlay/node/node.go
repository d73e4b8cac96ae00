// Package node is the loop round one chord node: it waits for what happens,
// calls the state machine, and carries out what that wants, in order. What must
// be durable is on disk before the message that promises it leaves.
//
//	Transport ──Receive, Lost──▶ ┌──────┐ ──Save, Drop──▶ Store (one commit a batch)
//	Find, Get, Put, Heard ─────▶ │ Step │ ──Send────────▶ Transport
//	timer ──Tick───────────────▶ └──────┘ ──Found, Got, Kept──▶ the caller
//
// The rest of the program reaches the ring through Find, Get and Put, and with Held
// reads between two steps what this node answers for itself. The last
// events and what came of them are remembered; Dump writes them as a text from
// which they can be played again (chord.Recording).
package node

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// ErrStopped is the answer to every request of a node that has stopped.
var ErrStopped = errors.New("node: stopped")

// Transport carries messages to other nodes. Send does not block; what cannot be
// delivered comes back as chord.Lost.
type Transport interface {
	Send(to overlay.Peer, m chord.Message)
	Events() <-chan chord.Event // chord.Receive and chord.Lost
}

// Store keeps records. Apply is durable on return.
type Store interface {
	Load(func(overlay.Record) error) error
	Apply(save []overlay.Record, drop []overlay.Slot) error
}

// Config says what a node is made of.
type Config struct {
	Self      overlay.Peer
	Chord     chord.Config
	Known     []overlay.Peer // where to look for the ring
	Transport Transport
	Store     Store
	Verify    func(overlay.Record) error // records from disk: values carry no checksum there
	Seed      [2]uint64                  // of the chance in Chord, and part of a Dump; from NewSeed
	Log       *slog.Logger
}

// Node is a live node of the ring.
type Node struct {
	cfg      Config
	recorder recorder
	requests chan chord.Event
	recheck  chan struct{} // capacity 1
	stopped  chan struct{} // closed when Run has ended
	view     atomic.Pointer[chord.View]

	turn  sync.Mutex // guards what follows, from an event until what it wants is done
	chord *chord.Node

	mu       sync.Mutex // guards what follows
	ref      uint64
	waiting  map[uint64]chan<- chord.Action
	watchers []chan chord.View
}

// NewSeed makes a seed that nobody can guess, and so no transaction-ID.
func NewSeed() [2]uint64 {
	var b [16]byte
	crand.Read(b[:]) // never fails
	return [2]uint64{binary.NativeEndian.Uint64(b[:8]), binary.NativeEndian.Uint64(b[8:])}
}

// New makes a node; Run gives it life.
func New(cfg Config) *Node {
	n := &Node{
		cfg:      cfg,
		chord:    chord.New(cfg.Self, cfg.Chord, rand.New(rand.NewPCG(cfg.Seed[0], cfg.Seed[1]))),
		requests: make(chan chord.Event, 64),
		recheck:  make(chan struct{}, 1),
		stopped:  make(chan struct{}),
		waiting:  make(map[uint64]chan<- chord.Action),
	}
	n.view.Store(&chord.View{Self: cfg.Self, Size: 1})
	return n
}

// View is the ring as this node last saw it.
func (n *Node) View() chord.View { return *n.view.Load() }

// Watch delivers the view after each change, the newest only when the receiver
// is slow. It is to be called before Run.
func (n *Node) Watch() <-chan chord.View {
	c := make(chan chord.View, 1)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watchers = append(n.watchers, c)
	return c
}

// Heard hands over addresses at which other nodes of the office may be.
func (n *Node) Heard(peers []overlay.Peer) {
	select {
	case n.requests <- chord.Heard{Peers: peers}:
	case <-n.stopped:
	}
}

// Find returns the node responsible for key, and the way there: the nodes passed,
// that node last, none when it is this one.
func (n *Node) Find(ctx context.Context, key overlay.ID) (overlay.Peer, []overlay.ID, error) {
	a, err := n.ask(ctx, func(ref uint64) chord.Event { return chord.Find{Ref: ref, Key: key} })
	if err != nil {
		return overlay.Peer{}, nil, fmt.Errorf("find %s: %w", key.Short(), err)
	}
	f := a.(chord.Found)
	return f.Peer, f.Path, f.Err
}

// Get returns the newest records of a resource, none when there are none.
func (n *Node) Get(ctx context.Context, resource overlay.ID, kinds ...overlay.Kind) ([]overlay.Record, int, error) {
	if records, ok := n.Held(resource, kinds...); ok {
		return records, 0, nil
	}
	a, err := n.ask(ctx, func(ref uint64) chord.Event {
		return chord.Get{Ref: ref, Resource: resource, Kinds: kinds}
	})
	if err != nil {
		return nil, 0, fmt.Errorf("get %s: %w", resource.Short(), err)
	}
	g := a.(chord.Got)
	return g.Records, g.Hops, g.Err
}

// Held is Get where that takes no time and needs nobody else: this node is
// responsible for the resource and has nothing else to do. Else it reports false.
func (n *Node) Held(resource overlay.ID, kinds ...overlay.Kind) ([]overlay.Record, bool) {
	if !n.turn.TryLock() {
		return nil, false
	}
	defer n.turn.Unlock()
	return n.chord.Held(time.Now(), resource, kinds)
}

// Put stores a signed record of this phone. It returns on how many disks the
// record is. When the ring has a newer version the error is chord.ErrTooOld and
// newer that version.
func (n *Node) Put(ctx context.Context, r overlay.Record) (copies int, newer overlay.Version, err error) {
	a, err := n.ask(ctx, func(ref uint64) chord.Event { return chord.Put{Ref: ref, Record: r} })
	if err != nil {
		return 0, 0, fmt.Errorf("put %s: %w", r.Resource.Short(), err)
	}
	k := a.(chord.Kept)
	return k.Copies, k.Newer, k.Err
}

// Ask sends a request to one node and returns its answer: for what looks after
// the ring from outside.
func (n *Node) Ask(ctx context.Context, to overlay.Peer, body chord.Body) (chord.Body, error) {
	a, err := n.ask(ctx, func(ref uint64) chord.Event { return chord.Ask{Ref: ref, To: to, Body: body} })
	if err != nil {
		return nil, fmt.Errorf("ask %v: %w", to, err)
	}
	r := a.(chord.Replied)
	if e, bad := r.Body.(chord.Error); bad || r.Body == nil {
		return nil, fmt.Errorf("ask %v: %w %s", to, chord.ErrTimeout, e.Info)
	}
	return r.Body, nil
}

// Recheck verifies all records that this node holds again and forgets those that
// do not hold any more: their signers were revoked.
func (n *Node) Recheck() {
	select {
	case n.recheck <- struct{}{}:
	default: // one is due already
	}
}

// ask hands a request to the loop and waits for the action that answers it.
func (n *Node) ask(ctx context.Context, request func(ref uint64) chord.Event) (chord.Action, error) {
	answer := make(chan chord.Action, 1)
	n.mu.Lock()
	n.ref++
	ref := n.ref
	n.waiting[ref] = answer
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		delete(n.waiting, ref)
		n.mu.Unlock()
	}()
	select {
	case n.requests <- request(ref):
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-n.stopped:
		return nil, ErrStopped
	}
	select {
	case a := <-answer:
		return a, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-n.stopped:
		return nil, ErrStopped
	}
}

// answer gives an action to whoever asked for it; nobody may be waiting any
// longer.
func (n *Node) answer(ref uint64, a chord.Action) {
	n.mu.Lock()
	c := n.waiting[ref]
	delete(n.waiting, ref)
	n.mu.Unlock()
	if c != nil {
		c <- a
	}
}

func (n *Node) changed(v chord.View) {
	n.view.Store(&v)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.watchers {
		select {
		case <-c: // the receiver has not taken the one before
		default:
		}
		c <- v
	}
}
