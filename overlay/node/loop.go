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

// loop is the state of Run that nobody else touches.
type loop struct {
	*Node
	timer *time.Timer
	left  bool
	acts  []chord.Action // of the batch at hand
}

// step gives the event, and what else has come meanwhile, to the state machine
// and carries out what it wants.
func (l *loop) step(ev chord.Event) {
	now := time.Now()
	l.acts = append(l.acts[:0], l.chord.Step(now, ev)...)
	for range maxBatch {
		more, ok := l.pending()
		if !ok {
			break
		}
		l.acts = append(l.acts, l.chord.Step(now, more)...)
	}
	l.carryOut()
	if next := l.chord.Next(); !next.IsZero() {
		l.timer.Reset(time.Until(next))
	} else {
		l.timer.Stop()
	}
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
		case chord.Ring:
			l.changed(a.View)
		case chord.Left:
			l.left = true
		default:
			panic(fmt.Sprintf("BUG: action %T", a))
		}
	}
}

// commit writes what the batch saves and drops. It reports whether that is
// durable: a full or worn card must not silence the phone, only its promises.
func (l *loop) commit() bool {
	last := make(map[overlay.Slot]int) // the last word on each slot counts
	for i, a := range l.acts {
		switch a := a.(type) {
		case chord.Save:
			last[a.Record.Slot()] = i
		case chord.Drop:
			last[a.Slot] = i
		}
	}
	if len(last) == 0 {
		return true
	}
	var save []overlay.Record
	var drop []overlay.Slot
	for i, a := range l.acts {
		switch a := a.(type) {
		case chord.Save:
			if last[a.Record.Slot()] == i {
				save = append(save, a.Record)
			}
		case chord.Drop:
			if last[a.Slot] == i {
				drop = append(drop, a.Slot)
			}
		}
	}
	if err := l.cfg.Store.Apply(save, drop); err != nil {
		l.cfg.Log.Error("records cannot be written; is the card full or worn out?", "err", err)
		return false
	}
	return true
}
