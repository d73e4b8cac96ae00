package firmware

import (
	"fmt"
	"io"
	"sync"
	"time"

	"chordophone/firmware/phone"
	"chordophone/hal"
)

// Bounds of what is remembered of the telephone's past: so many events, and so
// many octets of text from outside in them.
const (
	maxRecorded     = 1000
	maxRecordedText = 256 << 10
)

// phoneRecorder remembers the last events of the telephone and the actions they
// caused, as values: nothing is formatted before it is dumped. Nobody changes an
// event or an action once it is made. That takes about a megabyte at most: a
// thousand events with a handful of small actions each.
type phoneRecorder struct {
	cfg     phone.Config
	version string
	begin   time.Time

	mu      sync.Mutex   // guards what follows
	before  *phone.Phone // as it was before the oldest event remembered
	skipped int          // events forgotten
	first   int          // index of the oldest
	count   int
	octets  int
	steps   []recordedStep // ring buffer
}

type recordedStep struct {
	now     time.Time
	event   phone.Event
	actions []phone.Action
}

// newPhoneRecorder makes a recorder for a phone that is made with cfg now.
func newPhoneRecorder(cfg phone.Config, version string) *phoneRecorder {
	return &phoneRecorder{
		cfg:     cfg,
		version: version,
		begin:   time.Now(),
		before:  phone.New(cfg),
		steps:   make([]recordedStep, maxRecorded),
	}
}

// record adds what happened.
func (r *phoneRecorder) record(now time.Time, ev phone.Event, actions []phone.Action) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == len(r.steps) {
		r.forget()
	}
	r.steps[(r.first+r.count)%len(r.steps)] = recordedStep{now, ev, actions}
	r.count++
	r.octets += textIn(ev)
	for r.octets > maxRecordedText {
		r.forget()
	}
}

// forget lets the oldest event pass into the state before it. The caller holds
// mu.
func (r *phoneRecorder) forget() {
	oldest := &r.steps[r.first]
	r.before.Step(oldest.now, oldest.event)
	r.octets -= textIn(oldest.event)
	*oldest = recordedStep{}
	r.first = (r.first + 1) % len(r.steps)
	r.count--
	r.skipped++
}

// dump writes the last thousand events as a story, like those in
// phone/testdata, that tools/replay plays again. Its first line says whose it is;
// when it does not go back to the start, the telephone as it then was stands
// before the first event. Pairing codes are starred. Each Write is one line.
func (r *phoneRecorder) dump(w io.Writer) error {
	r.mu.Lock()
	skipped, before := r.skipped, ""
	if skipped > 0 {
		before = r.before.Snapshot(r.begin)
	}
	steps := make([]recordedStep, r.count)
	for i := range steps {
		steps[i] = r.steps[(r.first+i)%len(r.steps)]
	}
	r.mu.Unlock()

	var err error
	print := func(format string, a ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, format+"\n", a...)
		}
	}
	print("Telephone %q of %q, version %q: the last %d events of %d.",
		r.cfg.Extension, r.cfg.Office, r.version, len(steps), len(steps)+skipped)
	print("")
	if skipped > 0 {
		print("state %s", before)
	}
	for _, s := range steps {
		if e, ok := s.event.(phone.Enrolling); ok {
			s.event = phone.Enrolling{Code: phone.Stars(e.Code)}
		}
		print("%v %v", s.now.Sub(r.begin), s.event)
		for _, a := range s.actions {
			if t, ok := a.(phone.Tell); ok {
				if l, ok := t.Notice.(hal.Lines); ok {
					a = phone.Tell{Notice: hal.Lines{Lines: phone.HideCode(l.Lines)}}
				}
			}
			print("\t%v", a)
		}
	}
	return err
}

// textIn is how many octets of text from outside an event holds.
func textIn(ev phone.Event) int {
	switch ev := ev.(type) {
	case phone.Online:
		return len(ev.Extension) + len(ev.Office) + len(ev.Node)
	case phone.Offline:
		return len(ev.Reason)
	case phone.Offered:
		return len(ev.Call) + len(ev.From) + len(ev.Name)
	case phone.Progress:
		return len(ev.Call)
	case phone.Answered:
		return len(ev.Call)
	case phone.Held:
		return len(ev.Call)
	case phone.Transferred:
		return len(ev.Call) + len(ev.New) + len(ev.To)
	case phone.Referred:
		return len(ev.Call) + len(ev.Cause)
	case phone.Directory:
		return len(ev.Number) + len(ev.Name)
	case phone.Ended:
		return len(ev.Call) + len(ev.Cause)
	case phone.Enrolling:
		return len(ev.Code)
	case phone.Unable:
		return len(ev.Text)
	case phone.Past:
		return len(ev.Number) + len(ev.Name)
	case phone.Heard:
		return len(ev.Peer) + len(ev.Codec)
	case phone.HostKey:
		return len(ev.Fingerprint)
	case phone.HotLine:
		return len(ev.Number)
	case phone.Trouble:
		return len(ev.Text)
	case phone.Part:
		return len(ev.Kind) + len(ev.Name) + len(ev.Word) + len(ev.Problem)
	}
	return 0
}
