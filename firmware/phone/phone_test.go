package phone

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"chordophone/hal"

	"pgregory.net/rapid"
)

// world is what surrounds a telephone: it keeps the books of calls and devices
// as the user agent and the hardware would, and complains.
type world struct {
	t    *rapid.T
	p    *Phone
	now  time.Time
	hook bool            // handset in its cradle
	live map[string]bool // calls the user agent has
	used map[string]bool
	ids  []string // used, in order

	ring    Ring
	sound   Sound
	picture hal.Picture
	tone    hal.Tone
	lines   []string
}

func newWorld(t *rapid.T) *world {
	return &world{t: t, p: New(Default()), now: epoch, hook: true, live: map[string]bool{}, used: map[string]bool{}}
}

func (w *world) step(ev Event) {
	switch ev := ev.(type) {
	case Offered:
		if ev.Call != "" && !w.used[ev.Call] && !strings.HasPrefix(ev.Call, OutgoingPrefix) {
			w.begin(ev.Call)
		}
	case Ended:
		delete(w.live, ev.Call)
	case Input:
		if ev.Key == hal.Hook {
			w.hook = ev.Down
		}
	}
	for _, a := range w.p.Step(w.now, ev) {
		w.do(a)
	}
	if next := w.p.Next(); !next.IsZero() && !next.After(w.now) {
		w.t.Fatalf("after %v at %v the telephone wants to be called at %v", ev, w.now, next)
	}
	w.check(ev)
}

func (w *world) begin(call string) {
	w.live[call], w.used[call] = true, true
	w.ids = append(w.ids, call)
}

func (w *world) know(a Action, call string) {
	if !w.live[call] {
		w.t.Fatalf("%v: there is no such call", a)
	}
}

func (w *world) do(a Action) {
	switch a := a.(type) {
	case Dial:
		if w.used[a.Call] || a.Number == "" {
			w.t.Fatalf("%v: used before, or no number", a)
		}
		w.begin(a.Call)
	case Answer:
		w.know(a, a.Call)
	case Reject:
		w.know(a, a.Call)
		delete(w.live, a.Call)
	case Hangup:
		w.know(a, a.Call)
		delete(w.live, a.Call)
	case Digit:
		w.know(a, a.Call)
	case Sound:
		if a == w.sound {
			w.t.Fatalf("%v: said twice", a)
		}
		if a.Call != "" {
			w.know(a, a.Call)
		}
		if !a.Open && a != (Sound{}) {
			w.t.Fatalf("%+v: closed, yet something plays", a)
		}
		w.sound = a
	case Ring:
		if a == w.ring {
			w.t.Fatalf("%v: said twice", a)
		}
		w.ring = a
	case Show:
		if a.Picture == w.picture {
			w.t.Fatalf("%v: said twice", a)
		}
		w.picture = a.Picture
	case Tell:
		switch n := a.Notice.(type) {
		case hal.Sounding:
			if n.Tone == w.tone {
				w.t.Fatalf("%v: said twice", a)
			}
			w.tone = n.Tone
		case hal.Lines:
			if slices.Equal(n.Lines, w.lines) {
				w.t.Fatalf("%v: said twice", a)
			}
			w.lines = n.Lines
		}
	}
}

func (w *world) check(ev Event) {
	if len(w.live) > 1 {
		w.t.Fatalf("after %v: %d calls on one handset", ev, len(w.live))
	}
	if w.hook && w.sound.Open || w.tone != w.sound.Tone {
		w.t.Fatalf("after %v: on hook %v, %+v, told %v", ev, w.hook, w.sound, w.tone)
	}
	if w.ring.On && !w.hook {
		w.t.Fatalf("after %v: the bell rings with the handset lifted", ev)
	}
	if len(w.lines) < 2 || len(w.lines) > Rows {
		w.t.Fatalf("after %v: display %q", ev, w.lines)
	}
	for _, l := range w.lines {
		if utf8.RuneCountInString(l) > Columns {
			w.t.Fatalf("after %v: line %q is too long", ev, l)
		}
	}
}

// TestAnything throws any events in any order at a telephone and then puts the
// handset back: there is silence, and no call is left.
func TestAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		calls := rapid.OneOf(rapid.StringMatching("[a-e][1-5]?"), rapid.StringMatching("out-[1-4]"), rapid.Just(""))
		status := rapid.SampledFrom([]int{0, 100, 180, 183, 200, 404, 480, 486, 487, 503, 603, -1, 999})
		text := rapid.OneOf(rapid.SampledFrom([]string{"", "101", "102", "Anna"}), rapid.String())
		event := rapid.OneOf(
			rapid.Map(rapid.SampledFrom([]hal.Key(hal.Digits+"##hhhhhhhhr\x00")), func(k hal.Key) Event {
				return Input{hal.Event{Key: k, Down: true}}
			}),
			rapid.Map(rapid.SampledFrom([]hal.Key(hal.Digits+"hhhhhhhhhhr")), func(k hal.Key) Event {
				return Input{hal.Event{Key: k}}
			}),
			rapid.Custom(func(t *rapid.T) Event {
				return Offered{calls.Draw(t, "call"), text.Draw(t, "from"), text.Draw(t, "name")}
			}),
			rapid.Custom(func(t *rapid.T) Event { return Progress{calls.Draw(t, "call"), status.Draw(t, "status")} }),
			rapid.Custom(func(t *rapid.T) Event { return Answered{calls.Draw(t, "call")} }),
			rapid.Custom(func(t *rapid.T) Event {
				return Ended{calls.Draw(t, "call"), status.Draw(t, "status"), text.Draw(t, "cause"), rapid.Bool().Draw(t, "far")}
			}),
			rapid.Custom(func(t *rapid.T) Event {
				return Contact{rapid.IntRange(-1, hal.Lamps+1).Draw(t, "lamp"), hal.Signal(rapid.IntRange(0, 6).Draw(t, "signal"))}
			}),
			rapid.Custom(func(t *rapid.T) Event { return Online{text.Draw(t, "extension"), "demo", "7f3a"} }),
			rapid.Custom(func(t *rapid.T) Event { return Offline{text.Draw(t, "reason")} }),
			rapid.Custom(func(t *rapid.T) Event { return Enrolling{text.Draw(t, "code")} }),
			rapid.Just[Event](Tick{}),
		)
		w.step(Online{"101", "demo", "7f3a"})
		if rapid.Bool().Draw(t, "dialled") { // chance hardly ever gets that far
			for _, key := range []hal.Key{hal.Hook, '9', '#'} {
				w.step(Input{hal.Event{Key: key, Down: key != hal.Hook}})
			}
		}
		for range rapid.IntRange(1, 80).Draw(t, "events") {
			if rapid.IntRange(0, 9).Draw(t, "next") == 9 && !w.p.Next().IsZero() {
				w.now = w.p.Next()
				w.step(Tick{})
				continue
			}
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			ev := event.Draw(t, "event")
			if e, ok := ev.(Ended); ok && len(w.ids) > 0 && rapid.Bool().Draw(t, "known") {
				e.Call = w.ids[len(w.ids)-1] // rather than one that is hardly ever there
				ev = e
			}
			if o, ok := ev.(Offered); ok && w.used[o.Call] {
				continue // the user agent names no two calls alike
			}
			if back, err := ParseEvent(ev.String()); err != nil || back != ev {
				t.Fatalf("%#v prints as %q, reads as %#v, %v", ev, ev, back, err)
			}
			w.step(ev)
		}
		w.step(Input{hal.Event{Key: hal.Hook, Down: true}})
		if w.ring.On { // only a caller or time stops the bell of a telephone on its hook
			w.now = w.p.Next()
			w.step(Tick{})
		}
		if len(w.live) != 0 || w.sound != (Sound{}) || w.ring != (Ring{}) || !w.p.Next().IsZero() {
			t.Fatalf("on hook, yet calls %v, %+v, %+v, next %v", w.live, w.sound, w.ring, w.p.Next())
		}
	})
}

// TestDropped counts what means nothing.
func TestDropped(t *testing.T) {
	p := New(Default())
	for i, ev := range []Event{
		Progress{"x", 180}, Answered{"x"}, Ended{Call: "x"}, Ended{}, Offered{},
		Offered{Call: "out-1"}, Contact{Lamp: hal.LampLine}, Contact{Lamp: -1}, Contact{hal.Lamps, hal.On}, Contact{3, 99},
	} {
		p.Step(epoch, ev)
		if p.Dropped() != i+1 {
			t.Errorf("%v was not dropped", ev)
		}
	}
}

func TestFailures(t *testing.T) {
	for status := -1; status < 800; status++ {
		tone, text := failure(status)
		if tone != hal.Busy && tone != hal.Congestion || text == "" || len(text) > Columns {
			t.Errorf("%d: %v %q", status, tone, text)
		}
		// The table of RFC 3261: 486, 600 and 603 are a person's no.
		if busy := status == 486 || status == 600 || status == 603; busy != (tone == hal.Busy) {
			t.Errorf("%d sounds %v", status, tone)
		}
	}
}

// TestServices holds the table of codes to what complete can reach.
func TestServices(t *testing.T) {
	for i, s := range services {
		if !strings.HasPrefix(s.code, "*") || strings.Contains(s.code, "#") || len(s.text) > Columns {
			t.Errorf("%+v", s)
		}
		for _, o := range services[:i] {
			if o.code == s.code {
				t.Errorf("%s stands twice", s.code)
			}
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	for _, s := range []string{"on", "down 5", `online "101" "demo" "n"`, `ended "a" 486 far "busy"`, "contact 2 3", `offered "a" "\x00" ""`, "tick x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		ev, err := ParseEvent(line)
		if err != nil {
			return
		}
		back, err := ParseEvent(ev.String())
		if err != nil || back != ev {
			t.Fatalf("%q is %#v, prints as %q, reads as %#v, %v", line, ev, ev, back, err)
		}
		p := New(Default())
		p.Step(epoch, ev)
	})
}

func BenchmarkTick(b *testing.B) {
	p := New(Default())
	p.Step(epoch, Online{"101", "demo", "7f3a"})
	b.ReportAllocs()
	for b.Loop() {
		p.Step(epoch, Tick{})
	}
}
