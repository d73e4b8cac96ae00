package consensus

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const year = 365 * 24 * time.Hour

func ballots(s Source, offsets ...time.Duration) (all []Ballot) {
	for _, o := range offsets {
		all = append(all, Ballot{s, o})
	}
	return all
}

// One round each of a telephone that has just been started: who is believed, and what
// comes of it.
func TestRound(t *testing.T) {
	for _, tc := range []struct {
		what string
		r    Round
		want time.Duration
	}{
		{"two telephones, the other at a time server: from 1970 to now", Round{Office: 2, Asked: 1, Ballots: ballots(Server, 56*year/4)}, 14 * year},
		{"it says nothing", Round{Office: 2, Asked: 1}, 0},
		{"two of equal rank: the later one is right, for both began with what was kept", Round{Office: 2, Asked: 1, Ballots: ballots(Kept, time.Hour)}, time.Hour},
		{"... and the earlier one is not believed", Round{Office: 2, Asked: 1, Ballots: ballots(Kept, -time.Hour)}, 0},
		{"a single one says that it is earlier: nothing goes back, ...", Round{Office: 2, Asked: 1, Ballots: ballots(Server, -time.Hour)}, 0},
		{"... but a little ahead runs slower", Round{Office: 2, Asked: 1, Ballots: ballots(Server, -time.Second)}, -time.Second},
		{"four, one of them at a time server: not believed alone", Round{Office: 4, Asked: 3, Ballots: append(ballots(Server, 9*year), ballots(Kept, 0, 0)...)}, 0},
		{"... two are", Round{Office: 4, Asked: 3, Ballots: append(ballots(Server, time.Hour, time.Hour), ballots(Kept, 0)...)}, time.Hour},
		{"... and of two that differ the lesser", Round{Office: 4, Asked: 3, Ballots: append(ballots(Server, 9*year, time.Hour), ballots(Kept, 0)...)}, time.Hour},
		{"slower only by what not all of them can have made up", Round{Office: 8, Asked: 7, Ballots: ballots(Server, -50*time.Second, -40*time.Second, -time.Second)}, -time.Second},
		{"one that sees one other of an office of four", Round{Office: 4, Asked: 1, Ballots: ballots(Server, time.Hour)}, 0},
		{"who is asked counts though he is silent", Round{Asked: 3, Ballots: ballots(Server, time.Hour)}, 0},
		{"the median of equals", Round{Office: 5, Asked: 4, Ballots: ballots(Kept, time.Hour, 2*time.Hour, 3*time.Hour, 9*year)}, 2 * time.Hour},
		{"those that have agreed before those that were just started", Round{Office: 5, Asked: 4, Ballots: append(ballots(Agreed, time.Hour, time.Hour), ballots(Kept, 0, 0)...)}, time.Hour},
		{"a server before those that have agreed", Round{Office: 3, Asked: 2, Ballots: append(ballots(Agreed, time.Hour), ballots(Server, time.Minute)...)}, time.Minute},
		{"a machine with a clock of its own before those that have agreed", Round{Office: 3, Asked: 2, Ballots: append(ballots(Agreed, time.Hour), ballots(Set, time.Minute)...)}, time.Minute},
		{"near enough", Round{Office: 2, Asked: 1, Ballots: ballots(Server, 99*time.Millisecond)}, 0},
		{"nearly a century", Round{Office: 2, Asked: 1, Ballots: ballots(Server, 60*year)}, 0},
		{"this one is at a time server itself", Round{Synced: true, Office: 2, Asked: 1, Ballots: ballots(Server, time.Hour)}, 0},
		{"of a sample half may lie", Round{Office: 500, Asked: 7, Ballots: ballots(Server, time.Hour, time.Hour, time.Hour, time.Hour)}, 0},
		{"... and no more", Round{Office: 500, Asked: 7, Ballots: ballots(Server, time.Hour, time.Hour, time.Hour, time.Hour, time.Hour)}, time.Hour},
	} {
		var m Machine
		var got time.Duration
		for _, a := range m.Step(time.Now(), tc.r) {
			if a, ok := a.(Shift); ok {
				got = a.By
			}
		}
		if got != tc.want {
			t.Errorf("%s: %v, want %v", tc.what, got, tc.want)
		}
	}
}

// story is what a machine does, in words.
type story struct {
	m     Machine
	now   time.Time
	began time.Time
	lines []string
}

// name is what an action is called.
func name(a Action) string { return strings.TrimPrefix(fmt.Sprintf("%T", a), "consensus.") }

func (s *story) step(ev Event) {
	for _, a := range s.m.Step(s.now, ev) {
		s.lines = append(s.lines, fmt.Sprintf("%v %s %+v", s.now.Sub(s.began), name(a), a))
	}
}

// wait lets time pass, and has whoever is asked answer.
func (s *story) wait(d time.Duration, synced bool, r Round) {
	for end := s.now.Add(d); !s.m.Next().IsZero() && !s.m.Next().After(end); {
		s.now = s.m.Next()
		for _, a := range s.m.Step(s.now, Tick{synced}) {
			s.lines = append(s.lines, fmt.Sprintf("%v %s", s.now.Sub(s.began), name(a)))
			if _, ok := a.(Ask); ok {
				s.step(r)
			}
		}
	}
	s.now = s.began.Add(s.now.Sub(s.began).Truncate(time.Second))
}

// When it is asked, and what is said: not more than once a minute, less when all is
// well, never of those who are not there or when a time server does it.
func TestStory(t *testing.T) {
	began := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	s := &story{now: began, began: began}
	other := func(src Source, off time.Duration) Round {
		return Round{Office: 2, Asked: 1, Ballots: ballots(src, off)}
	}
	s.wait(time.Hour, false, Round{}) // nobody is there
	s.step(Sight{true})
	s.step(Sight{true})
	if s.m.Standing().Source != Kept {
		t.Error(s.m.Standing().Source)
	}
	s.wait(2*time.Minute+10*time.Second, false, Round{Asked: 1}) // silent
	if s.m.Standing().Source != Kept {
		t.Error(s.m.Standing().Source)
	}
	s.wait(time.Minute, false, other(Server, time.Hour))
	if s.m.Standing().Source != Agreed {
		t.Error(s.m.Standing().Source)
	}
	s.wait(6*time.Minute, false, other(Server, 0))
	s.wait(11*time.Minute, false, other(Server, -time.Hour)) // said once
	s.wait(time.Minute, false, other(Server, time.Millisecond))
	s.wait(5*time.Minute, false, other(Server, 20*year)) // one hour too far
	s.wait(3*time.Minute, true, other(Server, time.Hour))
	s.wait(2*time.Hour, false, other(Server, -50*time.Second)) // slower: nobody need be asked for a while
	s.wait(2*time.Hour, false, other(Server, -time.Second))
	s.step(Sight{false})
	s.wait(time.Hour, false, other(Server, time.Hour))
	const denied = "Note {Text:the other telephones' time is not believed: theirs is %s from the one here}"
	want := []string{
		"10s Ask", "1m10s Ask", "2m10s Ask",
		"3m10s Ask", "3m10s Shift {By:1h0m0s}",
		"4m10s Ask", "9m10s Ask",
		"14m10s Ask", "14m10s " + fmt.Sprintf(denied, "-1h0m0s"), "15m10s Ask", "16m10s Ask", "17m10s Ask", "18m10s Ask",
		"19m10s Ask", "20m10s Ask",
		"21m10s Ask", "26m10s Ask", "26m10s " + fmt.Sprintf(denied, "175200h0m0s"),
		"30m10s Ask", "30m10s Shift {By:-50s}", "1h30m10s Ask", "1h30m10s Shift {By:-50s}",
		"2h30m10s Ask", "2h30m10s Shift {By:-1s}", "3h3m30s Ask", "3h3m30s Shift {By:-1s}",
	}
	if !slices.Equal(s.lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(s.lines, "\n"), strings.Join(want, "\n"))
	}
}

// What is known of the time after a round of a telephone that has just been started.
func TestStanding(t *testing.T) {
	round := func(office int, all ...Ballot) Round { return Round{Office: office, Asked: office - 1, Ballots: all} }
	for _, tc := range []struct {
		what  string
		hand  bool
		r     Round
		want  Standing
		known bool
	}{
		{"nobody answers", false, round(3), Standing{}, false},
		{"two that were just started, too", false, round(3, ballots(Kept, time.Hour, time.Hour)...), Standing{Agreed, Kept, 2, 2}, false},
		{"one of them is far behind, and will follow", false, round(3, ballots(Kept, -time.Hour, 59*time.Second)...), Standing{Agreed, Kept, 1, 2}, false},
		{"one with a time server", false, round(2, ballots(Server, time.Hour)...), Standing{Agreed, Server, 1, 1}, true},
		{"one whose clock a person has set", false, round(2, ballots(Set, time.Hour)...), Standing{Agreed, Set, 1, 1}, true},
		{"... in an office of four, where it is not believed alone", false, round(4, append(ballots(Kept, 0, 0), ballots(Set, time.Hour)...)...), Standing{Agreed, Kept, 2, 3}, false},
		{"... but two are", false, round(4, append(ballots(Kept, 0), ballots(Set, time.Hour, time.Hour)...)...), Standing{Agreed, Set, 2, 3}, true},
		{"two that do not say the same tell nothing", false, round(4, append(ballots(Kept, 0), ballots(Set, time.Hour, 3*time.Hour)...)...), Standing{Agreed, Kept, 1, 3}, false},
		{"a server says that it is earlier, and is not believed", false, round(2, ballots(Server, -time.Hour)...), Standing{Agreed, Kept, 0, 1}, false},
		{"a server says that it is a little earlier: slower", false, round(2, ballots(Server, -50*time.Second)...), Standing{Agreed, Server, 1, 1}, true},
		{"a person has set this one, and nobody follows yet", true, round(3, ballots(Agreed, -time.Hour, -time.Hour)...), Standing{Set, Kept, 0, 2}, true},
		{"... another person another", true, round(3, ballots(Set, time.Hour)...), Standing{Set, Kept, 1, 1}, true},
		{"... and now there is a time server", true, round(3, ballots(Server, time.Hour)...), Standing{Set, Server, 1, 1}, true},
	} {
		var m Machine
		if tc.hand {
			m.Step(time.Now(), Hand{})
		}
		m.Step(time.Now(), tc.r)
		if got := m.Standing(); got != tc.want || got.Known() != tc.known {
			t.Errorf("%s: %+v, known %v, want %+v", tc.what, got, got.Known(), tc.want)
		}
		m.Step(time.Now(), Sight{})
		if got := m.Standing(); got.With != 0 || got.Heard != 0 || got.Source != tc.want.Source || got.Known() != tc.known {
			t.Errorf("%s: then nobody is in sight: %+v", tc.what, got)
		}
	}
	var served Machine
	served.Step(time.Now(), Sight{true})
	served.Step(served.Next(), Tick{Synced: true})
	if got := served.Standing(); got != (Standing{Source: Agreed, Told: Server}) || !got.Known() {
		t.Errorf("after a time server: %+v", got)
	}
}

// So many must have set the time as are more than may lie.
func TestVoices(t *testing.T) {
	for office := range 40 {
		few := Round{Office: office, Asked: max(office-1, 1)}
		n := Voices(office)
		if liars := few.liars(); liars >= n || office > 1 && liars+1 != n {
			t.Errorf("%d telephones: %d, of which %d may lie", office, n, liars)
		}
	}
}

// What a question took on its way is no offset, and a clock that was set meanwhile tells
// nothing.
func TestOffset(t *testing.T) {
	sent := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	got := sent.Add(time.Second)
	for _, tc := range []struct{ said, want time.Duration }{
		{-time.Hour, -time.Hour}, {-time.Millisecond, -time.Millisecond}, {0, 0}, {time.Millisecond, 0}, {time.Second, 0},
		{1001 * time.Millisecond, time.Millisecond}, {time.Hour, time.Hour - time.Second},
	} {
		if off, ok := Offset(sent, got, time.Second, sent.Add(tc.said)); !ok || off != tc.want {
			t.Errorf("%v: %v %v, want %v", tc.said, off, ok, tc.want)
		}
	}
	for _, set := range []time.Duration{time.Hour, 101 * time.Millisecond, -101 * time.Millisecond} {
		if off, ok := Offset(sent, got.Add(set), time.Second, sent); ok {
			t.Errorf("set by %v meanwhile: %v", set, off)
		}
	}
}
