package node

import (
	"io"
	"slices"
	"sync"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// Bounds of what is remembered of the past: so many events, and what they and
// the actions they caused weigh in octets. Records weigh most, and those that the
// node still holds take no memory a second time.
const (
	maxRecorded = 1000
	maxWeight   = 4 << 20
)

// recorder remembers the last events and the actions they caused, as values: an
// event costs a copy of the list of its actions, and no formatting. That is safe
// because nobody changes an event or an action once it is made.
type recorder struct {
	mu      sync.Mutex // guards what follows
	begin   time.Time  // of the first event; zero: none yet
	skipped int        // events forgotten
	first   int        // index of the oldest
	count   int
	weight  int
	steps   [maxRecorded]recorded // ring buffer
}

type recorded struct {
	chord.RecordedStep
	weight int
}

// record adds what happened; acts may be overwritten afterwards.
func (r *recorder) record(now time.Time, ev chord.Event, acts []chord.Action) {
	w := weigh(ev, acts)
	acts = slices.Clone(acts)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.begin.IsZero() {
		r.begin = now
	}
	if r.count == maxRecorded {
		r.forget()
	}
	step := chord.RecordedStep{At: now.Sub(r.begin), Event: ev, Actions: acts}
	r.steps[(r.first+r.count)%maxRecorded] = recorded{step, w}
	r.count++
	r.weight += w
	for r.weight > maxWeight {
		r.forget()
	}
}

// forget drops the oldest event. The caller holds mu.
func (r *recorder) forget() {
	oldest := &r.steps[r.first]
	r.weight -= oldest.weight
	*oldest = recorded{}
	r.first = (r.first + 1) % maxRecorded
	r.count--
	r.skipped++
}

// recall puts what is remembered into a recording.
func (r *recorder) recall(rec *chord.Recording) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec.Begin, rec.Skipped = r.begin, r.skipped
	rec.Steps = make([]chord.RecordedStep, r.count)
	for i := range rec.Steps {
		rec.Steps[i] = r.steps[(r.first+i)%maxRecorded].RecordedStep
	}
}

// Dump writes the last thousand events (fewer when they hold more than four
// million octets) with the actions they caused, in the form that
// chord.ReadRecording reads. Each Write is one line. It may be called at any
// time, from any goroutine.
func (n *Node) Dump(w io.Writer) error {
	rec := chord.Recording{Self: n.cfg.Self, Seed: n.cfg.Seed, Config: n.cfg.Chord}
	n.recorder.recall(&rec)
	return rec.Write(w)
}

// weigh estimates how many octets an event and its actions take.
func weigh(ev chord.Event, acts []chord.Action) int {
	w := 64
	switch ev := ev.(type) {
	case chord.Start:
		w += weighPeers(ev.Known) + weighRecords(ev.Records)
	case chord.Receive:
		w += weighMessage(ev.Msg)
	case chord.Heard:
		w += weighPeers(ev.Peers)
	case chord.Put:
		w += weighRecord(ev.Record)
	case chord.Forget:
		w += weighSlots(len(ev.Slots))
	case chord.Ask:
		w += weighBody(ev.Body)
	}
	for _, a := range acts {
		w += 64
		switch a := a.(type) {
		case chord.Send:
			w += weighMessage(a.Msg)
		case chord.Save:
			w += weighRecord(a.Record)
		case chord.Got:
			w += weighRecords(a.Records)
		case chord.Replied:
			w += weighBody(a.Body)
		case chord.Ring:
			w += weighPeers(a.View.Succ) + weighPeers(a.View.Fingers)
		}
	}
	return w
}

func weighPeers(list []overlay.Peer) int { return 48 * len(list) }

// weighSlots is for so many slots, with a version or without.
func weighSlots(n int) int { return 96 * n }

func weighRecord(r overlay.Record) int {
	w := 192 + len(r.Key) + len(r.Value) + len(r.Sig)
	for _, c := range r.Chain {
		w += 24 + len(c)
	}
	return w
}

func weighRecords(list []overlay.Record) (w int) {
	for _, r := range list {
		w += weighRecord(r)
	}
	return w
}

func weighMessage(m chord.Message) int {
	return 192 + 17*len(m.To) + 16*len(m.Via) + len(m.Raw) + weighBody(m.Body)
}

func weighBody(b chord.Body) int {
	table := func(t chord.Table) int { return 80 + weighPeers(t.Pred) + weighPeers(t.Succ) }
	switch b := b.(type) {
	case chord.Pong:
		return table(b.Table)
	case chord.Joined:
		return table(b.Table)
	case chord.Update:
		return table(b.Table)
	case chord.Leave:
		return table(b.Table)
	case chord.Store:
		return 32 + weighRecords(b.Records)
	case chord.Fetched:
		return 32 + weighRecords(b.Records)
	case chord.Versions:
		return 32 + weighSlots(len(b.Held))
	case chord.Error:
		return 32 + len(b.Info)
	}
	return 32
}
