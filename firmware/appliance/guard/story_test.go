package guard

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"chordophone/firmware/appliance/beat"
	"chordophone/tools/story"
)

var epoch = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// TestStories plays testdata/*.txt. A story is a sentence, a line that says whether
// this is a trial boot, and lines of
//
//	TIME begin
//	TIME PROGRAM alive LOOP=COUNT ... [busy]   until the next line it says so every 2 s, the
//	                                           loops with + count on
//	TIME PROGRAM silent                        it says nothing more
//	TIME PROGRAM exited CODE
//	TIME PROGRAM KIND [TEXT]                   it says something else
//	TIME ask reboot | poweroff
//	TIME renew WHY
//	TIME nothing
//	    TIME ACTION                            what came of it, now or until the next line
//
// That the watchdog is fed is told when it begins and when it ends.
func TestStories(t *testing.T) {
	story.Play(t, "testdata/*.txt", 12, func(t *testing.T, text string) string {
		got, err := tell(text)
		if err != nil {
			t.Fatal(err)
		}
		return got
	})
}

// teller tells one story.
type teller struct {
	g      *Guard
	b      strings.Builder
	living [programs]*beat.Message // what is said every two seconds
	fedAt  time.Time
}

func tell(text string) (string, error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	s := teller{g: New(Config{Trial: lines[1] == "trial"})}
	fmt.Fprintf(&s.b, "%s\n%s\n", lines[0], lines[1])
	now := epoch
	for _, line := range lines[2:] {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		words := strings.Fields(line)
		d, err := time.ParseDuration(words[0])
		if err != nil || len(words) < 2 {
			return "", fmt.Errorf("line %q: %w", line, err)
		}
		for end := epoch.Add(d); now.Before(end); {
			next := s.g.Next()
			if beat := now.Truncate(beat.Every).Add(beat.Every); beat.Before(next) {
				next = beat
			}
			if !next.Before(end) {
				break
			}
			now = next
			s.pass(now)
		}
		now = epoch.Add(d)
		s.hungry(now)
		fmt.Fprintln(&s.b, line)
		if err := s.happens(now, words[1:]); err != nil {
			return "", fmt.Errorf("line %q: %w", line, err)
		}
	}
	return s.b.String(), nil
}

// pass is a moment between two lines.
func (s *teller) pass(now time.Time) {
	if now.Equal(now.Truncate(beat.Every)) {
		for p, m := range s.living {
			if m == nil {
				continue
			}
			for i, l := range m.Pulses {
				if strings.HasSuffix(l.Loop, "+") {
					m.Pulses[i].Count++
				}
			}
			s.step(now, Said{Program(p), *m})
		}
	}
	s.step(now, Tick{})
	s.hungry(now)
}

func (s *teller) happens(now time.Time, words []string) error {
	switch words[0] {
	case "begin":
		s.step(now, Begin{})
		return nil
	case "ask":
		s.step(now, Ask{How(words[1])})
		return nil
	case "renew":
		s.step(now, Renew{strings.Join(words[1:], " ")})
		return nil
	case "nothing":
		return nil
	}
	p := Network
	if words[0] == "telephone" {
		p = Telephone
	}
	m := beat.Message{Kind: beat.Kind(words[1])}
	switch words[1] {
	case "silent":
		s.living[p] = nil
	case "exited":
		code, err := strconv.Atoi(words[2])
		if err != nil {
			return err
		}
		s.living[p] = nil
		s.step(now, Exited{p, code})
	case "alive":
		for _, w := range words[2:] {
			if w == "busy" {
				m.Busy = true
				continue
			}
			loop, count, _ := strings.Cut(w, "=")
			n, err := strconv.ParseUint(count, 10, 64)
			if err != nil {
				return err
			}
			m.Pulses = append(m.Pulses, beat.Pulse{Loop: loop, Count: n})
		}
		s.living[p] = &m
		s.step(now, Said{p, m})
	default:
		m.Text = strings.Join(words[2:], " ")
		s.step(now, Said{p, m})
	}
	return nil
}

func (s *teller) step(now time.Time, ev Event) {
	for _, a := range s.g.Step(now, ev) {
		var text string
		switch a := a.(type) {
		case Feed:
			if s.fedAt.IsZero() {
				fmt.Fprintf(&s.b, "\t%v the watchdog is fed\n", now.Sub(epoch))
			}
			s.fedAt = now
			continue
		case Start:
			text = fmt.Sprintf("start the %v", a.Program)
			if a.Safe {
				text += " without its configuration"
			}
		case End:
			text = fmt.Sprintf("%v the %v", a.Signal, a.Program)
		case Leave:
			text = fmt.Sprintf("leave: %v", a.How)
		case Name:
			text = "name " + a.Name
		case Note:
			text = "note: " + a.Text
		}
		fmt.Fprintf(&s.b, "\t%v %s\n", now.Sub(epoch), text)
	}
}

// hungry tells when the watchdog is fed no longer.
func (s *teller) hungry(now time.Time) {
	if !s.fedAt.IsZero() && now.Sub(s.fedAt) > feedEvery {
		fmt.Fprintf(&s.b, "\t%v the watchdog is hungry\n", now.Sub(epoch))
		s.fedAt = time.Time{}
	}
}
