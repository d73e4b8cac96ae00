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
	story.Play(t, "testdata/*.txt", 15, func(t *testing.T, text string) string {
		got, err := tellStory(text)
		if err != nil {
			t.Fatal(err)
		}
		return got
	})
}

// tellStory plays the events of a story and returns it with the actions they
// cause.
func tellStory(story string) (string, error) {
	p := New(Default())
	var b strings.Builder
	var last time.Time
	var backwards error
	step := func(at time.Time, ev Event) {
		if at.Before(last) {
			backwards = fmt.Errorf("%v: time runs backwards to %v", ev, at.Sub(epoch))
		}
		last = at
		for _, a := range p.Step(at, ev) {
			fmt.Fprintf(&b, "\t%v\n", a)
		}
	}
	for i, line := range strings.Split(strings.TrimSpace(story), "\n") {
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
				return "", fmt.Errorf("line %q: %w", line, err)
			}
			at = epoch.Add(d)
		} else if at.IsZero() {
			return "", fmt.Errorf("line %q: the telephone waits for nothing", line)
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
			return "", err
		}
		step(at, ev)
	}
	return b.String(), backwards
}
