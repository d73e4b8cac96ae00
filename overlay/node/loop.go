package node

import (
	"context"
	"fmt"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// maxBatch bounds how many events share one commit.
const maxBatch = 256

// leaveTime is how long a node takes at most to hand its records over.
const leaveTime = 2 * time.Second

// writeAgain is how long a disk that refused to write is left alone, unless
// there is something new to write.
const writeAgain = 5 * time.Second

// Run joins the ring and serves it until ctx is cancelled, then leaves it
// politely. It returns an error only when the store cannot be read.
func (n *Node) Run(ctx context.Context) error {
	defer close(n.stopped)
	records, err := n.load()
	if err != nil {
		return fmt.Errorf("node: load records: %w", err)
	}
	l := loop{Node: n, timer: time.NewTimer(0)}
	defer l.timer.Stop()
	l.step(chord.Start{Known: n.cfg.Known, Records: records})

	done := ctx.Done()
	var deadline <-chan time.Time
	for !l.left {
		select {
		case ev := <-n.cfg.Transport.Events():
			l.step(ev)
		case ev := <-n.requests:
			l.step(ev)
		case <-l.timer.C:
			l.step(chord.Tick{})
		case <-l.recheck:
			l.step(chord.Forget{Slots: l.void()})
		case <-done:
			done = nil
			deadline = time.After(leaveTime)
			l.step(chord.Stop{})
		case <-deadline:
			n.cfg.Log.Warn("left the ring without an answer from the neighbours")
			return nil
		}
	}
	return nil
}

// load reads the records from disk and leaves out those whose signature does
// not hold any more: the replicas have them whole.
func (n *Node) load() (records []overlay.Record, err error) {
	damaged := 0
	err = n.cfg.Store.Load(func(r overlay.Record) error {
		if err := n.cfg.Verify(r); err != nil {
			damaged++
			return nil
		}
		records = append(records, r)
		return nil
	})
	if damaged > 0 {
		n.cfg.Log.Warn("records on disk do not verify and were left out", "count", damaged)
	}
	return records, err
}

// void are the records held whose signatures count no longer.
func (l *loop) void() (slots []overlay.Slot) {
	l.chord.Records(func(r overlay.Record) bool {
		if l.cfg.Verify(r) != nil {
			slots = append(slots, r.Slot())
		}
		return true
	})
	return slots
}

// loop is the state of Run that nobody else touches.
type loop struct {
	*Node
	timer     *time.Timer
	left      bool
	acts      []chord.Action // of the batch at hand
	unwritten changes
	failed    time.Time // when the disk last refused them
}

// step gives the event, and what else has come meanwhile, to the state machine
// and carries out what it wants.
func (l *loop) step(ev chord.Event) {
	l.turn.Lock()
	defer l.turn.Unlock()
	now := time.Now()
	l.acts = l.acts[:0]
	l.give(now, ev)
	for range maxBatch {
		more, ok := l.pending()
		if !ok {
			break
		}
		l.give(now, more)
	}
	l.carryOut()
	if next := l.chord.Next(); !next.IsZero() {
		l.timer.Reset(time.Until(next))
	} else {
		l.timer.Stop()
	}
}

// give adds what comes of one event to the batch.
func (l *loop) give(now time.Time, ev chord.Event) {
	acts := l.chord.Step(now, ev)
	l.recorder.record(now, ev, acts)
	l.acts = append(l.acts, acts...)
}

func (l *loop) pending() (chord.Event, bool) {
	select {
	case ev := <-l.cfg.Transport.Events():
		return ev, true
	case ev := <-l.requests:
		return ev, true
	default:
		return nil, false
	}
}

// carryOut does what the batch wants. All that must be durable goes to disk in
// one commit before anything is sent, which is earlier than the order asks for.
func (l *loop) carryOut() {
	durable := l.commit()
	for _, a := range l.acts {
		switch a := a.(type) {
		case chord.Save, chord.Drop:
			// done by commit
		case chord.Send:
			if _, promise := a.Msg.Body.(chord.Stored); promise && !durable {
				continue // the sender will try again, here or elsewhere
			}
			l.cfg.Transport.Send(a.To, a.Msg)
		case chord.Found:
			l.answer(a.Ref, a)
		case chord.Got:
			l.answer(a.Ref, a)
		case chord.Kept:
			l.answer(a.Ref, a)
		case chord.Replied:
			l.answer(a.Ref, a)
		case chord.Ring:
			l.changed(a.View)
		case chord.Left:
			l.left = true
		default:
			panic(fmt.Sprintf("BUG: action %T", a))
		}
	}
}

// commit writes what the batch saves and drops, and what earlier batches could
// not. It reports whether all of it is durable: a full or worn card must not
// silence the phone, only its promises.
func (l *loop) commit() bool {
	fresh := false
	for _, a := range l.acts {
		switch a := a.(type) {
		case chord.Save:
			l.unwritten.put(a.Record.Slot(), &a.Record)
			fresh = true
		case chord.Drop:
			l.unwritten.put(a.Slot, nil)
			fresh = true
		}
	}
	if len(l.unwritten.order) == 0 {
		return true
	}
	if !fresh && time.Since(l.failed) < writeAgain {
		return false
	}
	var save []overlay.Record
	var drop []overlay.Slot
	for _, slot := range l.unwritten.order {
		if r := l.unwritten.last[slot]; r != nil {
			save = append(save, *r)
		} else {
			drop = append(drop, slot)
		}
	}
	if err := l.cfg.Store.Apply(save, drop); err != nil {
		l.failed = time.Now()
		l.cfg.Log.Error("records cannot be written; is the card full or worn out?", "err", err)
		return false
	}
	l.unwritten = changes{}
	return true
}

// changes are what the disk lacks: the last word on each slot, in the order in
// which the slots came up.
type changes struct {
	order []overlay.Slot
	last  map[overlay.Slot]*overlay.Record // nil: drop it
}

func (c *changes) put(slot overlay.Slot, r *overlay.Record) {
	if c.last == nil {
		c.last = make(map[overlay.Slot]*overlay.Record)
	}
	if _, known := c.last[slot]; !known {
		c.order = append(c.order, slot)
	}
	c.last[slot] = r
}
