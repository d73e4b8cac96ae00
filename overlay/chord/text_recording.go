package chord

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"

	"chordophone/overlay"
)

// A recording as text: what the node is made of, a blank line, and each event
// with the time since the first, followed by the actions that answered it.
//
//	chord node 5e0aa1d2@192.0.2.7:6084, recorded from its start on {"Self":...
//
//	0s start knows 1, has nothing {"Known":...
//		send Ping to 00000000@192.0.2.8:6084, to whoever has 5e0aa1d2 {"To":...
//	0.000912s receive Pong from ...
//
// Keys and signatures of records are in it, which are public, and the seed of the
// node's transaction-IDs: until the node is started anew they can be guessed by
// whoever has the text. It is for the office's owner.

// RecordingMark begins the text of a recording.
const RecordingMark = "chord node "

// Recording is what happened to a node, and what it did about it.
type Recording struct {
	Self    overlay.Peer
	Seed    [2]uint64 // of the chance handed to New: rand.NewPCG(Seed[0], Seed[1])
	Config  Config
	Begin   time.Time // of the first event there was
	Skipped int       // events from Begin on that are not in Steps
	Steps   []RecordedStep
}

// RecordedStep is one call of Node.Step.
type RecordedStep struct {
	At      time.Duration // since Recording.Begin
	Event   Event
	Actions []Action
}

// recordingHeader is the JSON in the first line.
type recordingHeader struct {
	Self    overlay.Peer
	Seed    [2]uint64
	Config  string                     // the preset
	Differs map[string]json.RawMessage // from the preset, by name of field
	Begin   time.Time
	Skipped int
	Steps   int // so that a text that was cut off is not taken for whole
}

// Write writes the text of the recording. Each Write of w is one line.
func (r Recording) Write(w io.Writer) error {
	lines := lineWriter{w: w}
	about := "recorded from its start on"
	if r.Skipped > 0 {
		about = fmt.Sprintf("the last %d events of %d", len(r.Steps), len(r.Steps)+r.Skipped)
	}
	header, err := json.Marshal(recordingHeader{
		Self: r.Self, Seed: r.Seed, Config: "LAN", Differs: r.Config.differs(LAN()),
		Begin: r.Begin.UTC(), Skipped: r.Skipped, Steps: len(r.Steps),
	})
	if err != nil {
		return err
	}
	lines.print(RecordingMark, r.Self.String(), ", ", about, " ", string(header))
	lines.print()
	for _, s := range r.Steps {
		lines.print(seconds(s.At), " ", EventText(s.Event))
		for _, a := range s.Actions {
			lines.print("\t", ActionText(a))
		}
	}
	return lines.err
}

// lineWriter writes line by line until the first error.
type lineWriter struct {
	w   io.Writer
	err error
}

func (l *lineWriter) print(parts ...string) {
	if l.err == nil {
		_, l.err = io.WriteString(l.w, strings.Join(parts, "")+"\n")
	}
}

// seconds is d exactly, as time.ParseDuration reads it: 12.345s.
func seconds(d time.Duration) string {
	s := fmt.Sprintf("%d.%09d", d/time.Second, d%time.Second)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".") + "s"
}

// differs is what c has other than preset.
func (c Config) differs(preset Config) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage)
	mine, theirs := reflect.ValueOf(c), reflect.ValueOf(preset)
	for i := range mine.NumField() {
		if v := mine.Field(i).Interface(); v != theirs.Field(i).Interface() {
			out[mine.Type().Field(i).Name], _ = json.Marshal(v) // int or Duration: cannot fail
		}
	}
	return out
}

// sane refuses settings that no node was ever made with.
func (c Config) sane() error {
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		most := int64(1 << 16)
		if _, ok := v.Field(i).Interface().(time.Duration); ok {
			most = int64(365 * 24 * time.Hour)
		}
		if x := v.Field(i).Int(); x <= 0 || x > most {
			return fmt.Errorf("%s is %v", v.Type().Field(i).Name, v.Field(i))
		}
	}
	return nil
}

// maxLine bounds one line of a recording: a Start holds a whole disk.
const maxLine = 64 << 20

// ReadRecording reads what Write wrote.
func ReadRecording(from io.Reader) (Recording, error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	if !lines.Scan() {
		if lines.Err() != nil {
			return Recording{}, fmt.Errorf("%w: line 1: %w", ErrText, lines.Err())
		}
		return Recording{}, fmt.Errorf("%w: it is empty", ErrText)
	}
	r, steps, err := readHeader(lines.Text())
	if err != nil {
		return r, err
	}
	n := 1
	for lines.Scan() {
		n++
		if err := r.readLine(lines.Text()); err != nil {
			return r, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if lines.Err() != nil {
		return r, fmt.Errorf("%w: line %d: %w", ErrText, n+1, lines.Err())
	}
	if len(r.Steps) != steps {
		return r, fmt.Errorf("%w: it should have %d events and has %d; was it cut off?", ErrText, steps, len(r.Steps))
	}
	return r, nil
}

func readHeader(line string) (r Recording, steps int, err error) {
	brace := strings.IndexByte(line, '{')
	if !strings.HasPrefix(line, RecordingMark) || brace < 0 {
		return r, 0, fmt.Errorf("%w: line 1 does not begin with %q and hold its particulars", ErrText, RecordingMark)
	}
	var h recordingHeader
	if err := strict([]byte(line[brace:]), &h); err != nil {
		return r, 0, fmt.Errorf("%w: line 1: %v", ErrText, err)
	}
	if h.Config != "LAN" {
		return r, 0, fmt.Errorf("%w: line 1: unknown preset %.40q", ErrText, h.Config)
	}
	r = Recording{Self: h.Self, Seed: h.Seed, Config: LAN(), Begin: h.Begin, Skipped: h.Skipped}
	differs, err := json.Marshal(h.Differs)
	if err == nil {
		err = strict(differs, &r.Config)
	}
	if err == nil {
		err = r.Config.sane()
	}
	if err != nil {
		return r, 0, fmt.Errorf("%w: line 1: %v", ErrText, err)
	}
	return r, h.Steps, nil
}

// readLine reads one line below the first.
func (r *Recording) readLine(line string) error {
	if line == "" {
		return nil
	}
	if text, ok := strings.CutPrefix(line, "\t"); ok {
		if len(r.Steps) == 0 {
			return fmt.Errorf("%w: an action before the first event", ErrText)
		}
		a, err := ParseAction(text)
		if err != nil {
			return err
		}
		last := &r.Steps[len(r.Steps)-1]
		last.Actions = append(last.Actions, a)
		return nil
	}
	when, what, _ := strings.Cut(line, " ")
	at, err := time.ParseDuration(when)
	if err != nil {
		return fmt.Errorf("%w: %.40q is no time", ErrText, when)
	}
	if at < 0 || len(r.Steps) > 0 && at < r.Steps[len(r.Steps)-1].At {
		return fmt.Errorf("%w: time runs backwards to %s", ErrText, when)
	}
	ev, err := ParseEvent(what)
	if err != nil {
		return err
	}
	r.Steps = append(r.Steps, RecordedStep{At: at, Event: ev})
	return nil
}

// Replay gives the events of the recording to a new node, and returns it with
// the actions of that. It must be complete: what a node does depends on
// everything since its Start.
func (r Recording) Replay() (Recording, error) {
	if r.Skipped > 0 {
		return r, fmt.Errorf("%w: the first %d events are missing, and without them nobody knows in which state the node was; "+
			"a recording can be replayed if it is made soon after the node was started", ErrText, r.Skipped)
	}
	n := New(r.Self, r.Config, rand.New(rand.NewPCG(r.Seed[0], r.Seed[1])))
	begin := r.Begin
	if begin.IsZero() { // which stands for "never" in a node
		begin = time.Unix(0, 0)
	}
	out := r
	out.Steps = make([]RecordedStep, len(r.Steps))
	for i, s := range r.Steps {
		out.Steps[i] = RecordedStep{s.At, s.Event, slices.Clone(n.Step(begin.Add(s.At), s.Event))}
	}
	return out, nil
}
