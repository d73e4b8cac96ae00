package proxy

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"chordophone/tools/story"
)

var (
	eventNames  = []string{"begin", "provisional", "final", "lost", "cancel", "tick"}
	actionNames = []string{"send", "forward", "keep", "cancel", "cancel-elsewhere", "choose", "reply", "forget"}
)

func (a action) String() string {
	switch a.kind {
	case reply:
		return fmt.Sprintf("reply %d", a.status)
	case forget:
		return "forget"
	}
	return actionNames[a.kind] + " " + a.leg.String()
}

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// TestStories runs the fork through testdata/*.story: events at the margin, the
// actions they bring about indented below, "+3s" lets time pass. The first line
// that is no remark says the method and how many ways each branch has.
func TestStories(t *testing.T) {
	story.Play(t, "testdata/*.story", 1, tell)
}

func tell(t *testing.T, text string) string {
	var f fork
	step := func(now time.Time, ev event) []string { return story.Lines(f.step(now, ev)) }
	text, _, _ = strings.Cut(text, "\nis ")
	told := story.Tell(t, text, epoch, story.Machine{
		Next: func() time.Time { return f.nextTime() },
		Tick: func(now time.Time) []string { return step(now, event{kind: tick}) },
		Line: func(now time.Time, line string) []string {
			words := strings.Fields(line)
			if words[0] != "INVITE" && words[0] != "MESSAGE" {
				return step(now, parseEvent(t, line))
			}
			var ways []int
			for _, w := range words[1:] {
				n, _ := strconv.Atoi(w)
				ways = append(ways, n)
			}
			f = newFork(words[0] == "INVITE", ways)
			return step(now, event{kind: begin})
		},
	})
	if !f.over {
		return told + "is gathering\n"
	}
	if !f.nextTime().IsZero() {
		t.Errorf("the fork is over and yet wants a tick")
	}
	return told + "is over\n"
}

func parseEvent(t *testing.T, text string) event {
	var word string
	var ev event
	fmt.Sscanf(text, "%s %d.%d %d", &word, &ev.leg.branch, &ev.leg.try, &ev.status)
	for i, n := range eventNames {
		if n == word {
			ev.kind = eventKind(i)
			return ev
		}
	}
	t.Fatalf("no such event: %s", text)
	return ev
}

// FuzzFork throws events at any state: no more than one non-2xx final response goes
// upstream, none after a 2xx and no 1xx after either, and once every leg is over so
// is the fork.
func FuzzFork(f *testing.F) {
	f.Add([]byte{1, 3, 2, 1, 0, 1, 5, 12, 40, 250, 22})
	f.Add([]byte{0, 2, 1, 9, 100, 41, 17, 3})
	statuses := []int{100, 180, 183, 200, 302, 401, 404, 408, 430, 480, 482, 486, 487, 503, 500, 600, 603}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) < 3 || len(script) > 200 {
			return
		}
		var ways []int
		for i := 0; i < int(script[1]%4)+1; i++ {
			ways = append(ways, (int(script[2])>>i)%3+1)
		}
		invite := script[0]%2 == 1
		m := newFork(invite, ways)
		now := epoch
		finals, successes, forgotten := 0, 0, 0
		begun := map[leg]bool{}
		run := func(ev event) {
			for _, a := range m.step(now, ev) {
				switch a.kind {
				case send:
					if begun[a.leg] {
						t.Fatalf("leg %v begins twice", a.leg)
					}
					begun[a.leg] = true
				case forward:
					if ev.kind == provisional && finals+successes > 0 {
						t.Fatal("provisional response after a final one")
					}
					if ev.kind == final {
						if finals > 0 || successes > 0 && !invite {
							t.Fatal("2xx after a final response")
						}
						successes++
					}
				case choose, reply:
					if finals+successes > 0 {
						t.Fatal("second final response")
					}
					finals++
				case giveUp, elsewhere:
					if !invite || !begun[a.leg] {
						t.Fatalf("CANCEL of %v", a.leg)
					}
				case forget:
					forgotten++
				}
			}
		}
		run(event{kind: begin})
		for i, b := range script[3:] {
			at := leg{branch: i * 7 % len(ways)}
			at.try = int(b) % ways[at.branch]
			switch {
			case b > 250:
				run(event{kind: cancelled})
			case b > 200:
				now = now.Add(time.Duration(b-200) * 10 * time.Second)
				run(event{kind: tick})
			case !begun[at]:
			case b > 180:
				run(event{kind: lost, leg: at, status: 480})
			default:
				s := statuses[int(b)%len(statuses)]
				kind := final
				if s < 200 {
					kind = provisional
				}
				run(event{kind: kind, leg: at, status: s})
			}
		}
		for range 100 { // every transaction comes to an end
			for i, n := range ways {
				for try := range n {
					if begun[leg{i, try}] {
						run(event{kind: lost, leg: leg{i, try}, status: 408})
					}
				}
			}
			if m.over {
				break
			}
		}
		if !m.over || forgotten != 1 || finals+successes == 0 || !m.nextTime().IsZero() {
			t.Fatalf("over %v, forgotten %d, final responses %d", m.over, forgotten, finals+successes)
		}
	})
}
