package phone

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"chordophone/hal"

	"pgregory.net/rapid"
)

// resumed is p taken down and set up again, the same in every field.
func resumed(t interface{ Fatalf(string, ...any) }, p *Phone) *Phone {
	begin := epoch.Add(-time.Hour)
	text := p.Snapshot(begin)
	q, err := Resume(p.cfg, text, begin)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if p.now.IsZero() {
		q.now = p.now // a new telephone has no time
	}
	if !reflect.DeepEqual(p, q) {
		t.Fatalf("was %+v\nis  %+v\nby  %s", p, q, text)
	}
	return q
}

func key(k hal.Key, down bool) Event { return Input{hal.Event{Key: k, Down: down}} }

// A telephone is taken down and set up again in each of its states.
func TestSnapshotOfEachState(t *testing.T) {
	lift, back := key(hal.Hook, false), key(hal.Hook, true)
	p, now := New(Default()), epoch
	seen := map[state]bool{}
	for _, ev := range []Event{
		Tick{}, Online{"101", "demo", "7f3a"}, Contact{hal.LampMessage, hal.Wink}, Enrolling{"******"},
		Directory{3, "103", "Bob"}, Messages{2},
		Offered{"a", "102", "Ada"}, lift, Answered{"a"}, Offered{"b", "103", ""}, Ended{Call: "a", ByFar: true}, back, lift,
		Answered{"b"}, Held{"b", true, true}, key(hal.Recall, true), back, lift, Transferred{"b", "c", "104"}, Progress{"c", 180}, Answered{"c"}, back,
		lift, key('1', true), key('#', true), Progress{"out-1", 180}, Answered{"out-1"}, key(hal.Recall, true), key('2', true), key('#', true),
		Answered{"out-2"}, key(hal.Recall, true), key('3', true), key(hal.Recall, true), back, Referred{"out-2", 200, ""}, Ended{Call: "out-2"},
		lift, key('*', true), key('7', true), key('4', true), key('#', true),
		Tick{}, Tick{}, Tick{}, Tick{}, back, // the note on the transfer, confirmed, ready, refused, parked
		key('#', true), key('#', false), key('#', true), key('0', true), key(hal.Louder, true), Past{"104", "Eve", Missed}, HostKey{"SHA256:abc"},
		Heard{"102", "opus", 431, 3, 86, 4}, Island{2}, Settings{3, 9, false, true}, Trouble{"no sound"}, HotLine{"104"}, HotLine{}, lift, Part{"key", "1", "key 1 line=GPIO5", ""}, Part{"hook", "", "", "gone"}, Begin{}, key('1', true), back,
	} {
		if _, ok := ev.(Tick); ok && !p.Next().IsZero() {
			now = p.Next()
		}
		p.Step(now, ev)
		seen[p.state] = true
		p = resumed(t, p)
	}
	for s := idle; s <= trying; s++ {
		if !seen[s] {
			t.Errorf("never in state %d", s)
		}
	}
}

// And it goes on as if nothing had been.
func TestSnapshotGoesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		event := rapid.SampledFrom([]Event{
			key(hal.Hook, false), key(hal.Hook, false), key(hal.Hook, true), key('1', true), key('*', true), key('7', true),
			key('3', true), key('#', true), key('#', true), Online{"101", "demo", "7f3a"}, Online{"101", "demo", "7f3a"}, Offline{"cable out"},
			Offered{"a", "102", "Ada"}, Offered{"b", "103", ""}, Answered{"a"}, Answered{"out-1"}, Answered{"out-2"},
			Progress{"out-1", 180}, Ended{"a", 200, "", true}, Ended{"out-1", 486, "busy", true},
			key(hal.Recall, true), key(hal.Recall, true), key('3', true), Answered{"out-3"}, Answered{"b"}, Held{"out-1", true, true},
			Transferred{"a", "refer-1", "104"}, Transferred{"out-1", "refer-2", "104"}, Answered{"refer-1"}, Answered{"refer-2"},
			Referred{"out-1", 200, ""}, Referred{"out-1", 486, ""}, Directory{3, "103", "Bob"}, Messages{2},
			Contact{hal.LampMessage, hal.Wink}, Contact{3, hal.Flash}, key('#', false), key('#', false), key('8', true), key('0', true),
			key(hal.Louder, true), key(hal.Softer, true), Settings{3, 9, false, true}, Settings{10, 0, true, false}, Settings{11, 0, true, false},
			Past{"104", "Eve", Missed}, HostKey{"SHA256:abc"}, Heard{"102", "opus", 431, 3, 86, 4}, Island{2},
			Part{"key", "1", "key 1 line=GPIO5", ""}, Part{"hook", "", "", ""}, Part{"lamp", "line", "", ""}, Begin{}, Begin{}, Enrolling{"******"}, Enrolling{}, Tick{},
		})
		p, now := New(Default()), epoch
		next := func() Event {
			if at := p.Next(); !at.IsZero() && rapid.IntRange(0, 4).Draw(t, "wait") == 0 {
				now = at
				return Tick{}
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			return event.Draw(t, "event")
		}
		for range rapid.IntRange(0, 30).Draw(t, "before") {
			p.Step(now, next())
		}
		q := resumed(t, p)
		for range 10 {
			ev := next()
			if a, b := p.Step(now, ev), q.Step(now, ev); !reflect.DeepEqual(a, b) || p.Next() != q.Next() {
				t.Fatalf("%v: %v, resumed %v", ev, a, b)
			}
		}
	})
}

// The pairing code is in no snapshot, and hiding it changes no width.
func TestSnapshotHidesTheCode(t *testing.T) {
	p := New(Default())
	p.Step(epoch, Online{"101", "demo", "7f3a"})
	p.Step(epoch, Enrolling{"271828"})
	text := p.Snapshot(epoch)
	if strings.Contains(text, "271828") || !strings.Contains(text, `"code ******"`) {
		t.Error(text)
	}
}

func TestResumeRefuses(t *testing.T) {
	for _, text := range []string{
		"", "null {}", "[]", `{"x":1}`, `{"State":11}`, `{"State":255}`, `{"State":256}`, `{"Tone":8}`, `{"ShownTone":200}`,
		`{"Contacts":[9]}`, `{"ShownPicture":[7]}`, `{"State":6}`, `{"Call":{"ID":"a"}}`, `{"State":6,"Call":{"ID":"a"}}`, `{"Deadline":1}`,
		`{"Held":{"ID":"a"}}`, `{"State":10}`, `{"Joined":true}`, `{"Waiting":{"ID":"a","Until":1}}`, `{"Passing":[{}]}`,
		`{"LouderBell":4}`, `{"LouderBell":-8}`, `{"MenuPage":9,"MenuUntil":1}`, `{"State":2,"Held":{"ID":"a","Next":{}}}`, `{"State":2,"Held":{"ID":"a","Next":{"ID":"b","Next":{"ID":"c"}}}}`,
	} {
		if _, err := Resume(Default(), text, epoch); !errors.Is(err, ErrSnapshot) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Whatever is taken for a snapshot makes a telephone that bears anything.
func FuzzResume(f *testing.F) {
	p := New(Default())
	f.Add(p.Snapshot(epoch))
	for _, ev := range []Event{Online{"101", "demo", "7f3a"}, Contact{3, hal.Wink}, Offered{"a", "102", "Ada"},
		Input{hal.Event{Key: hal.Hook}}, Answered{"a"}, Ended{Call: "a"}, Input{hal.Event{Key: hal.Hook, Down: true}},
		key('#', true), key('#', false), Input{hal.Event{Key: hal.Hook}}, Part{"key", "1", "key 1 line=GPIO5", ""}, Part{"lamp", "line", "", "dark"}, Begin{}} {
		p.Step(epoch, ev)
		f.Add(p.Snapshot(epoch))
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Resume(Default(), text, epoch)
		if err != nil {
			return
		}
		for i, ev := range []Event{Tick{}, Ended{Call: "a"}, Ended{Call: p.call.id}, Offered{"z", "1", "2"},
			Input{hal.Event{Key: hal.Hook}}, Input{hal.Event{Key: '1', Down: true}}, Input{hal.Event{Key: hal.Hook, Down: true}}} {
			p.Step(epoch.Add(time.Duration(i)*time.Minute), ev)
		}
		if _, err := Resume(Default(), p.Snapshot(epoch), epoch); err != nil {
			t.Fatalf("%s became %s: %v", text, p.Snapshot(epoch), err)
		}
	})
}
