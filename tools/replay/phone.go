package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"chordophone/firmware/phone"
	"chordophone/hal"
)

// telephoneMark begins the recording of a telephone.
const telephoneMark = `Telephone "`

// epoch is when every telephone here begins: which time it is is nothing to it.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// story is what is being played of a telephone.
type story struct {
	who      string
	cfg      phone.Config
	hideCode bool // its pairing codes were starred
	promised int  // events it should have; -1: not known
	state    bool // it must begin with one

	p      *phone.Phone
	last   time.Time
	events int
	diff   *difference
}

// playPhone plays the recording of a telephone, or a story:
//
//	state {...}         how the telephone was before; without it, it is a new one
//	TIME EVENT          at this time since the start (see phone.ParseEvent)
//	TIME keys 102#      each key pressed and released
//	next tick           at the time the telephone says itself, shown as @ TIME
//		ACTION          what came of it
func (s section) playPhone(out io.Writer) (who string, events int, diff *difference, err error) {
	lines := strings.Split(strings.TrimRight(string(s.text), "\n"), "\n")
	t := newStory(lines[0])
	w := &lineWriter{w: out}
	w.print(lines[0])
	for i := 1; i < len(lines); {
		line := lines[i]
		end := i + 1
		for end < len(lines) && strings.HasPrefix(lines[end], "\t") {
			end++
		}
		here, err := t.play(line)
		if err == nil && (line == "" || t.events == 0) && end > i+1 {
			err = fmt.Errorf("an action that no event caused")
		}
		if err != nil {
			return "", 0, nil, fmt.Errorf("%s, line %d: %w: %w", t.who, s.line+i, errUnreadable, err)
		}
		w.print(line)
		recorded := make([]string, 0, end-i-1)
		for _, l := range lines[i+1 : end] {
			recorded = append(recorded, l[1:])
		}
		for _, a := range here {
			w.print("\t" + a)
		}
		if a, b, found := firstDifference(recorded, here); found && t.diff == nil {
			t.diff = &difference{event: line, number: t.events, recorded: a, here: b}
		}
		i = end
	}
	switch {
	case w.err != nil:
		return "", 0, nil, w.err
	case t.promised >= 0 && t.events != t.promised:
		return "", 0, nil, fmt.Errorf("%s: %w: it should have %d events and has %d; was it cut off?", t.who, errUnreadable, t.promised, t.events)
	case t.events == 0 && t.promised != 0:
		return "", 0, nil, fmt.Errorf("line %d: %w: neither a dump nor a story", s.line, errUnreadable)
	}
	return t.who, t.events, t.diff, nil
}

// newStory begins a story with its first sentence.
func newStory(sentence string) *story {
	t := &story{who: "story", cfg: phone.Default(), promised: -1}
	var version string
	var all int
	n, _ := fmt.Sscanf(sentence, telephoneMark[:len(telephoneMark)-1]+"%q of %q, version %q: the last %d events of %d.",
		&t.cfg.Extension, &t.cfg.Office, &version, &t.promised, &all)
	if n == 5 {
		t.who, t.hideCode, t.state = "telephone "+t.cfg.Extension, true, all > t.promised
	} else {
		t.cfg, t.promised = phone.Default(), -1
	}
	return t
}

// play plays one line at the margin and returns what came of it.
func (t *story) play(line string) (acts []string, err error) {
	when, what, _ := strings.Cut(line, " ")
	switch {
	case line == "":
		return nil, nil
	case when == "state":
		if t.p != nil {
			return nil, fmt.Errorf("a state after the first event")
		}
		t.p, err = phone.Resume(t.cfg, what, epoch)
		return nil, err
	case t.p == nil && t.state:
		return nil, fmt.Errorf("the state that events before this one led to is missing")
	case t.p == nil:
		t.p = phone.New(t.cfg)
	}
	t.events++
	at := t.p.Next()
	if when != "next" {
		d, err := time.ParseDuration(when)
		if err != nil {
			return nil, fmt.Errorf("%.40q is no time", when)
		}
		at = epoch.Add(d)
	} else if at.IsZero() {
		return nil, fmt.Errorf("the telephone waits for nothing")
	} else {
		acts = append(acts, fmt.Sprint("@ ", at.Sub(epoch)))
	}
	if at.Before(t.last) {
		return nil, fmt.Errorf("time runs backwards to %v", at.Sub(epoch))
	}
	t.last = at
	evs, err := parse(what)
	if err != nil {
		return nil, err
	}
	for _, ev := range evs {
		for _, a := range t.p.Step(at, ev) {
			acts = append(acts, t.text(a))
		}
	}
	return acts, nil
}

func parse(what string) (evs []phone.Event, err error) {
	if keys, ok := strings.CutPrefix(what, "keys "); ok {
		for _, k := range keys {
			evs = append(evs, phone.Input{Event: hal.Event{Key: hal.Key(k), Down: true}}, phone.Input{Event: hal.Event{Key: hal.Key(k)}})
		}
		return evs, nil
	}
	ev, err := phone.ParseEvent(what)
	return []phone.Event{ev}, err
}

func (t *story) text(a phone.Action) string {
	if tell, ok := a.(phone.Tell); ok && t.hideCode {
		if l, ok := tell.Notice.(hal.Lines); ok {
			a = phone.Tell{Notice: hal.Lines{Lines: phone.HideCode(l.Lines)}}
		}
	}
	return a.String()
}

// lineWriter writes lines until the first error.
type lineWriter struct {
	w   io.Writer
	err error
}

func (l *lineWriter) print(line string) {
	if l.err == nil {
		_, l.err = io.WriteString(l.w, line+"\n")
	}
}
