// Package ringnode is one node of the ring as a process of its own: identity,
// disk, connections and ring put together as the firmware does it, without the
// telephone. It is driven by lines:
//
//	put NAME VALUE     stores a record             {"event":"put","copies":3}
//	get NAME           looks one up                {"event":"get","found":true,"value":"...","hops":1}
//	view               what it sees of the ring    {"event":"view","view":{...}}
//	stats              octets and messages         {"event":"stats","stats":{...}}
//	quit               leaves the ring
//
// Its own records are of a Kind that office phones do not have, so that one node
// may store many: signed and verified like any other record, but with no rule as
// to who may write where.
package ringnode

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/identity"
	"chordophone/overlay/link"
	"chordophone/overlay/node"
	"chordophone/storage"
)

// opTime is how long one put or get may take, a little beyond the ring's own
// limit.
const opTime = 15 * time.Second

// Config says which node this is.
type Config struct {
	Data   string // with the identity in it
	Listen netip.AddrPort
	Known  []netip.AddrPort
	Tally  bool // count messages by kind, for a price in time
	Log    *slog.Logger
}

// Run is the node: it returns when in ends or says quit, or ctx is cancelled,
// after leaving the ring.
func Run(ctx context.Context, cfg Config, in io.Reader, out io.Writer) error {
	db, err := storage.Open(filepath.Join(cfg.Data, storage.File), cfg.Log)
	if err != nil {
		return err
	}
	defer db.Close()
	member, err := identity.Load(cfg.Data)
	if err != nil {
		return err
	}
	epoch, err := db.Epoch()
	if err != nil {
		return err
	}
	known, err := db.Peers()
	if err != nil {
		return err
	}
	for _, a := range cfg.Known {
		known = append(known, overlay.Peer{Addr: a})
	}
	rules := rules{member}
	self := overlay.Peer{ID: member.ID(), Addr: cfg.Listen}
	l, err := link.Listen(link.Config{
		Self:         self,
		Office:       member.Office(),
		TLS:          member.ClientTLS,
		ServerTLS:    member.ServerTLS(),
		NodeOf:       identity.NodeOf,
		Sign:         member.Sign,
		Verify:       member.Verify,
		VerifyRecord: rules.verify,
		Log:          cfg.Log,
	})
	if err != nil {
		return err
	}
	p := &program{
		db:     db,
		link:   l,
		writer: writer{member: member, version: overlay.MakeVersion(epoch, 0)},
		out:    json.NewEncoder(out),
	}
	var transport node.Transport = l
	if cfg.Tally {
		p.tally = newTally(l)
		transport = p.tally
	}
	p.node = node.New(node.Config{
		Self:      self,
		Chord:     chord.LAN(),
		Known:     known,
		Transport: transport,
		Store:     db,
		Verify:    rules.verify,
		Seed:      node.NewSeed(),
		Log:       cfg.Log,
	})
	return p.run(ctx, in)
}

// program is the node put together.
type program struct {
	db     *storage.DB
	link   *link.Link
	node   *node.Node
	tally  *tally // nil: none
	writer writer

	mu  sync.Mutex // guards out
	out *json.Encoder
}

// run gives it life. The connections end after the ring, which says good-bye over
// them.
func (p *program) run(ctx context.Context, in io.Reader) error {
	below, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var connections errgroup.Group
	connections.Go(func() error { return p.link.Run(below) })
	if p.tally != nil {
		connections.Go(func() error { p.tally.run(below); return nil })
	}

	onRing, leave := context.WithCancel(ctx)
	defer leave()
	watch, memory := p.node.Watch(), p.node.Watch()
	var ring errgroup.Group
	ring.Go(func() error { return p.node.Run(onRing) })
	ring.Go(func() error { p.watch(onRing, watch); return nil })
	ring.Go(func() error { return p.remember(onRing, memory) })

	p.say(Event{Event: EventReady})
	go func() {
		// Not waited for: nothing interrupts a Read of standard input, and the
		// process ends anyway.
		defer leave()
		p.serve(onRing, in)
	}()
	err := ring.Wait()
	cut()
	if e := connections.Wait(); err == nil {
		err = e
	}
	return err
}

// serve obeys commands until they end.
func (p *program) serve(ctx context.Context, in io.Reader) {
	s := bufio.NewScanner(in)
	for s.Scan() {
		c, err := parseCommand(s.Text())
		if err != nil {
			p.say(Event{Event: EventError, Error: err.Error()})
			continue
		}
		if c.verb == "quit" {
			return
		}
		p.say(p.obey(ctx, c))
	}
}

func (p *program) obey(ctx context.Context, c command) Event {
	ctx, cancel := context.WithTimeout(ctx, opTime)
	defer cancel()
	switch c.verb {
	case "put":
		return p.put(ctx, c.name, c.value)
	case "get":
		return p.get(ctx, c.name)
	case "view":
		return Event{Event: EventView, View: viewOf(p.node.View())}
	case "stats":
		return Event{Event: EventStats, Stats: p.stats()}
	}
	panic("BUG: command " + c.verb)
}

func (p *program) put(ctx context.Context, name, value string) Event {
	ev := Event{Event: EventPut}
	r, err := p.writer.record(name, value)
	if err == nil {
		ev.Copies, _, err = p.node.Put(ctx, r)
	}
	if err != nil {
		ev.Error = err.Error()
	}
	return ev
}

func (p *program) get(ctx context.Context, name string) Event {
	ev := Event{Event: EventGet}
	records, hops, err := p.node.Get(ctx, overlay.ResourceID(name), Kind)
	switch {
	case err != nil:
		ev.Error = err.Error()
	case len(records) > 0:
		ev.Found, ev.Value, ev.Hops = true, string(records[0].Value), hops
	}
	return ev
}

func (p *program) stats() *Stats {
	s := p.link.Stats()
	out := &Stats{
		MessagesOut: s.MessagesOut, BytesOut: s.BytesOut,
		MessagesIn: s.MessagesIn, BytesIn: s.BytesIn,
		Conns: s.Conns, Dropped: s.Dropped,
	}
	if p.tally != nil {
		out.In = p.tally.snapshot()
	}
	return out
}

// watch says what the node sees of the ring whenever it changes.
func (p *program) watch(ctx context.Context, views <-chan chord.View) {
	for {
		select {
		case <-ctx.Done():
			return
		case v := <-views:
			p.say(Event{Event: EventView, View: viewOf(v)})
		}
	}
}

// rememberEvery is how often at most the peers are written to disk, as on a phone.
const rememberEvery = 5 * time.Second

// remember keeps on disk where the others were last seen, for the next start.
func (p *program) remember(ctx context.Context, views <-chan chord.View) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case v := <-views:
			peers := slices.Concat(v.Succ, v.Fingers)
			if len(peers) == 0 {
				continue
			}
			if err := p.db.SavePeers(peers); err != nil {
				return fmt.Errorf("remember peers: %w", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(rememberEvery):
		}
	}
}

func (p *program) say(ev Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out.Encode(ev) // nobody to tell when the other end is gone
}
