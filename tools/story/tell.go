package story

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Machine is a state machine as a story sees it. What it does is given back, a line each.
type Machine struct {
	Next func() time.Time                          // when it wants to be ticked; zero: never
	Tick func(now time.Time) []string              // it is ticked
	Line func(now time.Time, text string) []string // something happens, in the words of the story
}

// Tell tells a story that begins at epoch, in virtual time. Its first line is a
// sentence; so are those after a # and empty ones. Of the others
//
//	3s TEXT  happens 3 s after epoch; before that the machine is ticked whenever it wants to be
//	TEXT     happens now
//	+3s      is time that passes, and the machine is ticked, at its end as well
//
// Below stands what came of it, indented by a tab, and when: before it if the story
// gives the times itself, else behind what a tick brought about.
func Tell(t *testing.T, story string, epoch time.Time, m Machine) string {
	t.Helper()
	var out strings.Builder
	tell := func(before string, did []string, behind string) {
		for _, d := range did {
			fmt.Fprintf(&out, "\t%s%s%s\n", before, d, behind)
		}
	}
	since := func(at time.Time) string { return at.Sub(epoch).Round(time.Millisecond).String() }
	due := func(at, now time.Time) bool { return !at.IsZero() && at.Before(now) }
	tick := func(at time.Time) []string {
		did := m.Tick(at)
		if next := m.Next(); due(next, at.Add(1)) {
			t.Fatalf("%sticked at %s, the machine wants to be ticked at %s", &out, since(at), since(next))
		}
		return did
	}
	now := epoch
	for i, line := range strings.Split(strings.TrimSpace(story), "\n") {
		if strings.HasPrefix(line, "\t") {
			continue // what came of it before
		}
		word, text, _ := strings.Cut(line, " ")
		d, err := time.ParseDuration(word)
		switch {
		case i == 0 || line == "" || word == "#":
			fmt.Fprintln(&out, line)
		case err != nil:
			fmt.Fprintln(&out, line)
			tell("", m.Line(now, line), "")
		case strings.HasPrefix(word, "+"):
			fmt.Fprintln(&out, line)
			now = now.Add(d)
			for at := m.Next(); due(at, now.Add(1)); at = m.Next() {
				tell("", tick(at), "  at "+since(at))
			}
		default:
			now = epoch.Add(d)
			for at := m.Next(); due(at, now); at = m.Next() {
				tell(since(at)+" ", tick(at), "")
			}
			fmt.Fprintln(&out, line)
			tell(since(now)+" ", m.Line(now, text), "")
		}
	}
	return out.String()
}

// Lines are actions in their own words.
func Lines[A any](actions []A) (lines []string) {
	for _, a := range actions {
		lines = append(lines, fmt.Sprint(a))
	}
	return lines
}
