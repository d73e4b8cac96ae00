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
	story.Play(t, "testdata/*.txt", 12, tell)
}

// teller tells one story.
type teller struct {
	t      *testing.T
	g      *Guard
	now    time.Time
	living [programs]*beat.Message // what is said every two seconds
	fedAt  time.Time
}

func tell(t *testing.T, text string) string {
	s := teller{t: t, g: New(Config{}), now: epoch}
	return story.Tell(t, text, epoch, story.Machine{Next: s.next, Tick: s.pass, Line: s.happens})
}

// next is when the guard or the beat of those who live is due.
func (s *teller) next() time.Time {
	next := s.g.Next()
	if beat := s.now.Truncate(beat.Every).Add(beat.Every); beat.Before(next) {
		return beat
	}
	return next
}

// pass is a moment between two lines.
func (s *teller) pass(now time.Time) (did []string) {
	s.now = now
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
			did = append(did, s.step(Said{Program(p), *m})...)
		}
	}
	did = append(did, s.step(Tick{})...)
	if !s.fedAt.IsZero() && now.Sub(s.fedAt) > feedEvery {
		s.fedAt = time.Time{}
		did = append(did, "the watchdog is hungry")
	}
	return did
}

func (s *teller) happens(now time.Time, text string) []string {
	s.now = now
	words := strings.Fields(text)
	switch words[0] {
	case "trial":
		s.g = New(Config{Trial: true})
		return nil
	case "begin":
		return s.step(Begin{})
	case "ask":
		return s.step(Ask{How(words[1])})
	case "renew":
		return s.step(Renew{strings.Join(words[1:], " ")})
	case "nothing", "-":
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
			s.t.Fatal(err)
		}
		s.living[p] = nil
		return s.step(Exited{p, code})
	case "alive":
		for _, w := range words[2:] {
			if w == "busy" {
				m.Busy = true
				continue
			}
			loop, count, _ := strings.Cut(w, "=")
			n, err := strconv.ParseUint(count, 10, 64)
			if err != nil {
				s.t.Fatal(err)
			}
			m.Pulses = append(m.Pulses, beat.Pulse{Loop: loop, Count: n})
		}
		s.living[p] = &m
		return s.step(Said{p, m})
	default:
		m.Text = strings.Join(words[2:], " ")
		return s.step(Said{p, m})
	}
	return nil
}

func (s *teller) step(ev Event) (did []string) {
	for _, a := range s.g.Step(s.now, ev) {
		var text string
		switch a := a.(type) {
		case Feed:
			if s.fedAt.IsZero() {
				did = append(did, "the watchdog is fed")
			}
			s.fedAt = s.now
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
		did = append(did, text)
	}
	return did
}
