package transaction

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// machine is what the four have in common.
type machine interface {
	Step(now time.Time, ev Event) Actions
	Next() time.Time
	Octets() []byte
	Over() bool
}

var events = map[string]Kind{
	"tick": Tick, "again": Again, "ack": Acked, "1xx": Provisional, "2xx": Success, "final": Final,
	"broken": Broken, "cancel": Cancelled,
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// play does what a story says, "500 again" at 500 ms, and ticks whenever the machine
// wants to. It returns what happened, with the octets that a Send sends.
func play(t *testing.T, start func(now time.Time, reliable bool) (machine, Actions), reliable bool, story string) string {
	t.Helper()
	m, do := start(epoch, reliable)
	var out []string
	note := func(now time.Time, what string, do Actions) {
		if do == 0 {
			if what != "tick" {
				out = append(out, fmt.Sprintf("%d %s:", now.Sub(epoch).Milliseconds(), what))
			}
			return
		}
		text := do.String()
		if do.Has(Send) {
			text = strings.Replace(text, "send", "send "+string(m.Octets()), 1)
		}
		out = append(out, fmt.Sprintf("%d %s: %s", now.Sub(epoch).Milliseconds(), what, text))
	}
	if do != 0 {
		note(epoch, "start", do)
	}
	until := func(end time.Time) {
		for n := m.Next(); !n.IsZero() && !n.After(end); n = m.Next() {
			if do := m.Step(n.Add(-time.Nanosecond), Event{}); do != 0 {
				t.Errorf("a tick too early: %v", do)
			}
			note(n, "tick", m.Step(n, Event{}))
			if again := m.Next(); again.Equal(n) {
				t.Fatal("a tick that changes nothing")
			}
		}
	}
	for line := range strings.Lines(strings.TrimSpace(story)) {
		var ms int
		var word, octets string
		if n, _ := fmt.Sscan(line, &ms, &word, &octets); n < 2 {
			t.Fatalf("line %q", line)
		}
		now := epoch.Add(time.Duration(ms) * time.Millisecond)
		until(now)
		kind, ok := events[word]
		if !ok {
			t.Fatalf("event %q", word)
		}
		ev := Event{Kind: kind}
		if octets != "" {
			ev.Octets = []byte(octets)
		}
		do := m.Step(now, ev)
		if c, ok := m.(*InviteClient); ok && do.Has(Acknowledge) {
			c.Ack([]byte("ACK"))
		}
		note(now, strings.TrimSpace(word+" "+octets), do)
	}
	until(epoch.Add(time.Hour))
	if m.Over() != (len(out) > 0 && strings.HasSuffix(out[len(out)-1], "end")) {
		t.Error("Over does not say what End said")
	}
	for _, kind := range events {
		if m.Over() && m.Step(epoch.Add(2*time.Hour), Event{Kind: kind, Octets: []byte("x")}) != 0 {
			t.Error("alive after its end")
		}
	}
	return strings.Join(out, "\n")
}

func inviteClient(now time.Time, reliable bool) (machine, Actions) {
	m := &InviteClient{}
	return m, m.Start(now, []byte("INVITE"), reliable)
}

func client(now time.Time, reliable bool) (machine, Actions) {
	m := &Client{}
	return m, m.Start(now, []byte("BYE"), reliable)
}

func inviteServer(now time.Time, reliable bool) (machine, Actions) {
	m := &InviteServer{}
	m.Start(now, reliable)
	return m, 0
}

func server(_ time.Time, reliable bool) (machine, Actions) {
	m := &Server{}
	m.Start(reliable)
	return m, 0
}

type story struct {
	name     string
	quote    string
	reliable bool
	story    string
	want     string
}

func run(t *testing.T, start func(time.Time, bool) (machine, Actions), stories []story) {
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			got := play(t, start, s.reliable, s.story)
			var want []string
			for line := range strings.Lines(strings.TrimSpace(s.want)) {
				want = append(want, strings.TrimSpace(line))
			}
			if got != strings.Join(want, "\n") {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", s.quote, got, strings.Join(want, "\n"))
			}
		})
	}
}
