package usage

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/identity"
)

// How a phone learns what others have changed.
const (
	lookForChanges = 2 * time.Second        // between two looks
	lookAgain      = 250 * time.Millisecond // at the soonest, however many ask for it
	readAll        = 10 * time.Minute       // all is read anew though nobody said that it changed
	readDoubted    = 30 * time.Second       // one Kind is, at the soonest, if somebody missed something
	lookTime       = 5 * time.Second        // one look may take
	changesLife    = time.Hour              // how long it is said what changed
)

// Changes tells other phones what this one has changed and says what they have.
// Nobody needs to read what did not change: each phone has one small record, at
// the same place, with the last changes that it made; every phone reads that place
// every two seconds.
type Changes struct {
	ring   Ring
	writer *Writer
	self   overlay.ID
	log    *slog.Logger
	wake   chan struct{} // capacity 1

	mu       sync.Mutex // guards what follows
	own      notice
	unsaid   bool // own is not in the ring
	due      []duty
	watchers []watcher
	doubted  map[overlay.Kind]bool
}

// duty is a place that has to be read anew.
type duty struct {
	kind     overlay.Kind
	resource overlay.ID // zero: all of the kind
}

type watcher struct {
	kind    overlay.Kind
	changed func(ctx context.Context, resource overlay.ID) error
}

// NewChanges begins with nothing to tell.
func NewChanges(ring Ring, writer *Writer, self overlay.ID, log *slog.Logger) *Changes {
	var boot [8]byte
	crand.Read(boot[:]) // never fails
	return &Changes{
		ring: ring, writer: writer, self: self, log: log,
		wake:    make(chan struct{}, 1),
		own:     notice{boot: binary.BigEndian.Uint64(boot[:])},
		doubted: make(map[overlay.Kind]bool),
	}
}

// Watch has changed called when something of a Kind may have changed at a
// resource, or, if that is zero, anywhere; once in the beginning, and again after
// an error. It is called by Run, one at a time.
func (c *Changes) Watch(kind overlay.Kind, changed func(ctx context.Context, resource overlay.ID) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchers = append(c.watchers, watcher{kind, changed})
}

// Tell says that this phone has changed something of a Kind at a resource.
func (c *Changes) Tell(kind overlay.Kind, resource overlay.ID) {
	c.mu.Lock()
	c.own.add(kind, resource)
	c.unsaid = true
	c.plan(duty{kind, resource})
	c.mu.Unlock()
	c.Wake()
}

// Wake has Run look at once: something may have changed, as when this phone's
// node has saved a record of another.
func (c *Changes) Wake() {
	select {
	case c.wake <- struct{}{}:
	default: // it will look
	}
}

// Doubt is Wake of somebody who missed something of a Kind: now and then all of
// it is read, for a phone may have died before it could say what it changed.
func (c *Changes) Doubt(kind overlay.Kind) {
	c.mu.Lock()
	c.doubted[kind] = true
	c.mu.Unlock()
	c.Wake()
}

// maxDue is how many places of a Kind are read one by one.
const maxDue = 64

// plan remembers a duty. c.mu is held.
func (c *Changes) plan(d duty) {
	same := 0
	for _, o := range c.due {
		if o.kind == d.kind {
			same++
			if o.resource == d.resource || o.resource.IsZero() {
				return
			}
		}
	}
	if same == maxDue {
		d.resource = overlay.ID{}
	}
	if d.resource.IsZero() {
		c.due = slices.DeleteFunc(c.due, func(o duty) bool { return o.kind == d.kind })
	}
	c.due = append(c.due, d)
}

// planAll is plan for all Kinds that somebody watches. c.mu is held.
func (c *Changes) planAll() {
	for _, w := range c.watchers {
		c.plan(duty{kind: w.kind})
	}
}

// Run says and looks until ctx is cancelled.
func (c *Changes) Run(ctx context.Context) error {
	var (
		heard   = make(news)
		timer   = time.NewTimer(0)                 // for the next look
		looked  time.Time                          // when the last one ended
		allAt   time.Time                          // when all was read, zero: never
		doubtAt = make(map[overlay.Kind]time.Time) // when a Kind was read on suspicion
	)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
			timer.Reset(time.Until(looked.Add(lookAgain)))
			select {
			case <-ctx.Done():
				return nil
			case <-timer.C:
			}
		case <-timer.C:
		}
		select {
		case <-c.wake: // this look is for it, too
		default:
		}
		now := time.Now()
		all := allAt.IsZero() || now.Sub(allAt) >= readAll
		err := c.look(ctx, heard, all)
		if err == nil {
			if all {
				allAt = now
			}
			c.planDoubted(now, doubtAt)
			err = c.read(ctx)
		}
		if err = errors.Join(err, c.say(ctx)); err != nil && ctx.Err() == nil {
			c.log.Debug("changes of other phones not read", "err", err)
		}
		looked = time.Now()
		timer.Reset(lookForChanges - rand.N(lookForChanges/5)) // so that not all phones look at once
	}
}

// say puts this phone's notice into the ring, if it has a new one.
func (c *Changes) say(ctx context.Context) error {
	c.mu.Lock()
	value, unsaid := c.own.append(nil), c.unsaid
	c.unsaid = false
	c.mu.Unlock()
	if !unsaid {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	_, err := c.writer.Put(ctx, overlay.Record{
		Resource: identity.ChangesResource, Kind: overlay.Changes, Key: c.self[:], Lifetime: changesLife, Value: value,
	})
	if err != nil {
		c.mu.Lock()
		c.unsaid = true
		c.mu.Unlock()
	}
	return err
}

// look reads what the phones say and plans what follows from it.
func (c *Changes) look(ctx context.Context, heard news, all bool) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	records, _, err := c.ring.Get(ctx, identity.ChangesResource, overlay.Changes)
	if err != nil {
		return fmt.Errorf("look for changes: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range records {
		n, err := parseNotice(r.Value)
		if err != nil || r.Owner == c.self {
			continue
		}
		fresh, gap := heard.take(r.Owner, n)
		all = all || gap
		for _, f := range fresh {
			c.plan(duty{f.kind, f.resource})
		}
	}
	heard.keep(records)
	if all {
		c.planAll()
	}
	return nil
}

func (c *Changes) planDoubted(now time.Time, doubtAt map[overlay.Kind]time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.watchers {
		if c.doubted[w.kind] && now.Sub(doubtAt[w.kind]) >= readDoubted {
			doubtAt[w.kind] = now
			delete(c.doubted, w.kind)
			c.plan(duty{kind: w.kind})
		}
	}
}

// read has the watchers do what is due. What fails stays due.
func (c *Changes) read(ctx context.Context) (err error) {
	c.mu.Lock()
	due, watchers := c.due, slices.Clone(c.watchers)
	c.due = nil
	c.mu.Unlock()
	for _, d := range due {
		for _, w := range watchers {
			if w.kind != d.kind {
				continue
			}
			ctx, cancel := context.WithTimeout(ctx, lookTime)
			if e := w.changed(ctx, d.resource); e != nil {
				err = e
				c.mu.Lock()
				c.plan(d)
				c.mu.Unlock()
			}
			cancel()
		}
	}
	return err
}

// notice is what one phone says that it changed: the last changes since it was
// started, oldest first.
type notice struct {
	boot uint64 // of no meaning but to be another after a restart
	last []change
}

type change struct {
	seq      uint32 // counts from 1
	kind     overlay.Kind
	resource overlay.ID
}

func (n *notice) add(kind overlay.Kind, resource overlay.ID) {
	c := change{1, kind, resource}
	if i := len(n.last); i > 0 {
		c.seq = n.last[i-1].seq + 1
	}
	// One entry says it as well as two: the later one.
	n.last = slices.DeleteFunc(n.last, func(o change) bool { return o.kind == kind && o.resource == resource })
	n.last = append(n.last, c)
	if len(n.last) > maxChanges {
		n.last = n.last[len(n.last)-maxChanges:]
	}
}

// news remembers how far one has heard of each phone.
type news map[overlay.ID]struct {
	boot uint64
	seq  uint32
}

// take returns what is new in a phone's notice. gap says that it may not tell
// everything.
func (s news) take(of overlay.ID, n notice) (fresh []change, gap bool) {
	was := s[of]
	if n.boot != was.boot {
		was.boot, was.seq = n.boot, 0
	}
	for _, c := range n.last {
		if c.seq > was.seq {
			fresh = append(fresh, c)
		}
	}
	// What is said twice leaves the earlier place: only a full list of new
	// entries can have lost one.
	gap = len(fresh) == maxChanges && fresh[0].seq != was.seq+1
	if len(n.last) > 0 {
		was.seq = n.last[len(n.last)-1].seq
	}
	s[of] = was
	return fresh, gap
}

// keep forgets the phones that say nothing any more.
func (s news) keep(records []overlay.Record) {
	maps.DeleteFunc(s, func(id overlay.ID, _ struct {
		boot uint64
		seq  uint32
	}) bool {
		return !slices.ContainsFunc(records, func(r overlay.Record) bool { return r.Owner == id })
	})
}
