package phone

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chordophone/hal"
	"chordophone/tools/story"
)

var epoch = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// TestStories plays testdata/*.txt. A story is a sentence and lines of
//
//	TIME EVENT          at this time since the start (see ParseEvent)
//	TIME keys 102#      each key pressed and released
//	next tick           at the time that Next says, shown as @ TIME
//		ACTION          what the telephone does about it
func TestStories(t *testing.T) {
	story.Play(t, "testdata/*.txt", 15, tell)
}

func tell(t *testing.T, text string) string {
	p := New(Default())
	var b strings.Builder
	var last time.Time
	step := func(at time.Time, ev Event) {
		if at.Before(last) {
			t.Fatalf("%v: time runs backwards to %v", ev, at.Sub(epoch))
		}
		last = at
		for _, a := range p.Step(at, ev) {
			fmt.Fprintf(&b, "\t%v\n", a)
		}
	}
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		fmt.Fprintln(&b, line)
		if i == 0 || line == "" {
			continue
		}
		when, what, _ := strings.Cut(line, " ")
		at := p.Next()
		if when != "next" {
			d, err := time.ParseDuration(when)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			at = epoch.Add(d)
		} else if at.IsZero() {
			t.Fatalf("%s: the telephone waits for nothing", line)
		} else {
			fmt.Fprintf(&b, "\t@ %v\n", at.Sub(epoch))
		}
		if keys, ok := strings.CutPrefix(what, "keys "); ok {
			for _, k := range keys {
				step(at, Input{hal.Event{Key: hal.Key(k), Down: true}})
				step(at, Input{hal.Event{Key: hal.Key(k)}})
			}
			continue
		}
		ev, err := ParseEvent(what)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		step(at, ev)
	}
	return b.String()
}
