package ua

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"chordophone/tools/story"
)

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// TestStories runs the machine through testdata/*.story: inputs at the margin,
// the actions they bring about indented below, "+3s" lets time pass. A story
// ends with the state it ends in.
func TestStories(t *testing.T) {
	story.Play(t, "testdata/*.story", 1, tell)
}

func tell(t *testing.T, text string) string {
	var m machine
	text, _, _ = strings.Cut(text, "\nis ")
	told := story.Tell(t, text, epoch, story.Machine{
		Next: func() time.Time { return m.next() },
		Tick: func(now time.Time) []string { return story.Lines(m.step(now, tick{})) },
		Line: func(now time.Time, line string) []string { return story.Lines(m.step(now, parseInput(t, line))) },
	})
	if m.state == over && !m.next().IsZero() {
		t.Errorf("the machine is over and yet wants a tick")
	}
	return told + "is " + m.state.String() + "\n"
}

func parseInput(t *testing.T, text string) input {
	word, rest, _ := strings.Cut(text, " ")
	number, cause, _ := strings.Cut(rest, " ")
	n, _ := strconv.Atoi(number)
	has := rest != ""
	switch word {
	case "dial":
		return dial{}
	case "located":
		return located{contacts: n}
	case "unlocated":
		return located{status: n, cause: cause}
	case "sent":
		return sent{reused: has}
	case "provisional":
		return provisional{status: n}
	case "success":
		return success{}
	case "failure":
		return failure{status: n, cause: cause}
	case "unreachable":
		return unreachable{}
	case "bye-done":
		return byeDone{}
	case "invited":
		return invited{offer: strings.Contains(rest, "offer"), replaces: strings.Contains(rest, "replacing")}
	case "reinvite":
		return reinvite{offer: has}
	case "ack":
		return ack{answer: has}
	case "cancel":
		return cancel{cause: rest}
	case "bye":
		return bye{cause: rest}
	case "agreed":
		return agreed{held: rest == "held"}
	case "disagreed":
		return disagreed{malformed: has}
	case "answer":
		return answer{}
	case "reject":
		return reject{status: n}
	case "hangup":
		return hangup{cause: rest}
	case "hold", "retrieve":
		return hold{on: word == "hold"}
	case "transfer":
		return transfer{}
	case "renewed":
		wait, _ := time.ParseDuration(cause)
		return renewed{status: n, wait: wait}
	case "referred":
		return referred{status: n}
	case "notified":
		return notified{status: n, last: cause == "last"}
	case "refer":
		return refer{}
	case "followed":
		return followed{status: n}
	case "timed":
		interval, err := time.ParseDuration(number)
		if err != nil {
			t.Fatal(err)
		}
		return timed{interval: interval, ours: cause == "ours"}
	}
	t.Fatalf("no such input: %s", text)
	return nil
}

// FuzzMachine throws inputs at any state: the machine must not panic, must
// report Ended at most once and nothing after it, and must come to an end by
// itself once it is hung up.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{0, 4, 7, 9, 17})
	f.Add([]byte{1, 14, 16, 11, 17, 12})
	f.Add([]byte{0, 0, 2, 6, 16, 23, 25, 16, 29, 30, 33, 24, 26, 210, 37, 250, 250})
	all := []input{
		located{contacts: 2}, located{status: 404}, sent{}, sent{reused: true}, provisional{status: 100}, provisional{status: 180},
		success{}, failure{status: 486}, failure{status: 503}, unreachable{}, byeDone{},
		ack{}, ack{answer: true}, cancel{}, bye{}, reinvite{offer: true}, reinvite{}, agreed{}, disagreed{},
		answer{}, reject{status: 486}, hangup{}, tick{},
		hold{on: true}, hold{}, renewed{status: 200}, renewed{status: 491, wait: time.Second}, renewed{status: 481}, renewed{status: 488},
		transfer{}, referred{status: 202}, referred{status: 603}, notified{status: 100}, notified{status: 200, last: true}, notified{last: true},
		refer{}, followed{status: 200}, timed{interval: 90 * time.Second, ours: true}, timed{interval: time.Minute}, timed{}, agreed{held: true},
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) == 0 || len(script) > 200 {
			return
		}
		var m machine
		now := epoch
		ended, forgotten := 0, 0
		run := func(in input) {
			for _, a := range m.step(now, in) {
				switch a := a.(type) {
				case report:
					if a.kind == reportEnded {
						ended++
					} else if ended > 0 {
						t.Fatalf("%v after the end", a)
					}
				case forget:
					forgotten++
				}
			}
		}
		if script[0]%2 == 0 {
			run(dial{})
		} else {
			run(invited{offer: script[0]%4 == 1})
		}
		for _, b := range script[1:] {
			if b >= 200 { // time passes
				now = now.Add(time.Duration(b-199) * time.Second)
				run(tick{})
				continue
			}
			run(all[int(b)%len(all)])
		}
		run(agreed{}) // what is being negotiated is always decided
		run(hangup{})
		for range 100 {
			if m.next().IsZero() {
				break
			}
			now = m.next()
			run(tick{})
		}
		if m.state != over || forgotten != 1 || ended > 1 {
			t.Fatalf("%v, ended %d times, forgotten %d times", m.state, ended, forgotten)
		}
	})
}
