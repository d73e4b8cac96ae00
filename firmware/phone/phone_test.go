package phone

import (
	"flag"
	"os"
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
	hook bool                // handset in its cradle
	live map[string]*farCall // calls the user agent has
	over map[string]bool     // calls hung up, of which Ended is still to come
	used map[string]bool
	ids  []string // used, in order

	ring    Ring
	sound   Sound
	picture hal.Picture
	tone    hal.Tone
	lines   []string
}

// farCall is a call as the user agent knows it.
type farCall struct {
	offered   bool // and not answered by this telephone
	answered  bool
	held      bool   // by this telephone
	passing   bool   // Transfer, TransferTo, or the other call of that
	referred  bool   // ... and not that
	done      bool   // ... which succeeded
	other     string // of TransferTo
	told      string // state
	peer      string
	successor bool
}

func newWorld(t *rapid.T) *world {
	return &world{t: t, p: New(Default()), now: epoch, hook: true, live: map[string]*farCall{}, over: map[string]bool{}, used: map[string]bool{}}
}

func (w *world) step(ev Event) {
	switch ev := ev.(type) {
	case Offered:
		if ev.Call != "" && !w.used[ev.Call] && !strings.HasPrefix(ev.Call, OutgoingPrefix) {
			w.begin(ev.Call).offered = true
		}
	case Transferred:
		if ev.New != "" && !w.used[ev.New] {
			w.begin(ev.New).successor = true
		}
	case Answered:
		if c := w.live[ev.Call]; c != nil && !c.offered {
			c.answered = true
		}
	case Referred:
		if c := w.live[ev.Call]; c != nil && c.referred && !c.done {
			if c.done = ev.Status >= 200 && ev.Status < 300; c.done {
				break // the first word is the last
			}
			c.passing, c.referred = false, false
			if o := w.live[c.other]; o != nil {
				o.passing = false
			}
		}
	case Ended:
		delete(w.live, ev.Call)
		delete(w.over, ev.Call)
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

func (w *world) begin(call string) *farCall {
	w.live[call], w.used[call] = new(farCall), true
	w.ids = append(w.ids, call)
	return w.live[call]
}

func (w *world) know(a Action, call string) *farCall {
	if w.live[call] == nil {
		w.t.Fatalf("%v: there is no such call", a)
	}
	return w.live[call]
}

func (w *world) do(a Action) {
	switch a := a.(type) {
	case Dial:
		if w.used[a.Call] || a.Number == "" {
			w.t.Fatalf("%v: used before, or no number", a)
		}
		w.begin(a.Call)
	case Answer:
		c := w.know(a, a.Call)
		if !c.offered {
			w.t.Fatalf("%v: it was not offered", a)
		}
		c.offered = false
	case Reject:
		w.know(a, a.Call)
		delete(w.live, a.Call)
	case Hangup:
		w.know(a, a.Call)
		delete(w.live, a.Call)
		w.over[a.Call] = true
	case Hold:
		c := w.know(a, a.Call)
		if !c.answered {
			w.t.Fatalf("%v: it was not answered", a)
		}
		c.held = a.On
	case Transfer:
		c := w.know(a, a.Call)
		if !c.answered || !c.held {
			w.t.Fatalf("%v: not answered, or not held", a)
		}
		c.passing, c.referred = true, true
	case TransferTo:
		c, o := w.know(a, a.Call), w.know(a, a.Other)
		if !c.answered || !o.answered || c == o {
			w.t.Fatalf("%v: not answered", a)
		}
		c.passing, c.referred, o.passing, c.other = true, true, true, a.Other
	case Digit:
		w.know(a, a.Call)
	case Sound:
		if a == w.sound {
			w.t.Fatalf("%v: said twice", a)
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
		case hal.CallState:
			c := w.live[n.ID]
			switch {
			case (n.State == "ended") != (c == nil):
				w.t.Fatalf("%v: of a call that the user agent has: %t", a, c != nil)
			case c == nil:
			case c.told == n.State:
				w.t.Fatalf("%v: said twice", a)
			default:
				c.told, c.peer = n.State, n.Peer
			}
		}
	}
}

func (w *world) check(ev Event) {
	w.checkCalls(ev)
	if w.hook && w.sound.Open || w.tone != w.sound.Tone {
		w.t.Fatalf("after %v: on hook %v, %+v, told %v", ev, w.hook, w.sound, w.tone)
	}
	if w.ring.On && !w.hook && w.p.state != trying {
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

// checkCalls holds that nobody is heard, or hears, without the person at the
// telephone knowing: the microphone is open to a call that was answered and told
// to be so, and every other call that was answered is held or passed on. With the
// handset back there is none at all but one passed on and one that rings.
func (w *world) checkCalls(ev Event) {
	for _, id := range []string{w.sound.Call, w.sound.With} {
		if id == "" || id == LoopCall && w.p.state == trying {
			continue
		}
		c := w.live[id]
		if c == nil || !c.answered || c.passing || c.told != "connected" && c.told != "held" {
			w.t.Fatalf("after %v: %v is open to %+v", ev, w.sound, c)
		}
	}
	if w.sound.Call == "" && w.sound.With != "" || w.sound.Call != "" && w.sound.Call == w.sound.With {
		w.t.Fatalf("after %v: %+v", ev, w.sound)
	}
	rings, passing := 0, 0
	for id, c := range w.live {
		heard := id == w.sound.Call || id == w.sound.With
		switch {
		case heard:
		case c.passing, w.toPass(id):
			passing++
		case c.answered && !c.held:
			w.t.Fatalf("after %v: %s is neither in hand nor held", ev, id)
		case w.hook && !c.successor && !w.rings():
			w.t.Fatalf("after %v: on hook, yet there is %s", ev, id)
		case w.hook && !c.successor:
			rings++
		}
	}
	// In hand, held, waiting, and one to succeed each of the first two.
	if rings > 2 || len(w.live)-passing > 5 {
		w.t.Fatalf("after %v: calls %v", ev, w.live)
	}
}

// rings says whether the telephone calls for somebody, be it without a sound.
func (w *world) rings() bool {
	return w.ring.On || w.p.silent && (w.p.state == ringing || w.p.state == reminding)
}

// toPass says whether a call will be passed on as soon as another one, which was
// hung up, has ended.
func (w *world) toPass(id string) bool {
	return slices.ContainsFunc(w.p.passing, func(one passage) bool { return one.call.id == id && w.over[one.after] })
}

// TestAnything throws any events in any order at a telephone and then puts the
// handset back: there is silence, and no call is left.
func TestAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		calls := rapid.OneOf(rapid.StringMatching("[a-e][1-5]?"), rapid.StringMatching("out-[1-4]"), rapid.Just(""))
		status := rapid.SampledFrom([]int{0, 100, 180, 183, 200, 404, 480, 486, 487, 503, 603, -1, 999})
		text := rapid.OneOf(rapid.SampledFrom([]string{"", "101", "102", "Anna"}), rapid.String())
		// named is rather a call that is there, mostly the last.
		named := rapid.Custom(func(t *rapid.T) string {
			switch n := rapid.IntRange(0, 9).Draw(t, "which"); {
			case n < 5 && len(w.ids) > 0:
				return w.ids[len(w.ids)-1]
			case n < 9 && len(w.ids) > 0:
				return rapid.SampledFrom(w.ids[max(0, len(w.ids)-5):]).Draw(t, "id")
			}
			return calls.Draw(t, "call")
		})
		event := rapid.OneOf(
			rapid.Map(rapid.SampledFrom([]hal.Key(hal.Digits+"33##<>①②③hhhhhhhhrrrrrrr\x00")), func(k hal.Key) Event {
				return Input{hal.Event{Key: k, Down: true}}
			}),
			rapid.Map(rapid.SampledFrom([]hal.Key(hal.Digits+"<>###hhhhhhhhhhr")), func(k hal.Key) Event {
				return Input{hal.Event{Key: k}}
			}),
			rapid.Custom(func(t *rapid.T) Event {
				return Offered{calls.Draw(t, "call"), text.Draw(t, "from"), text.Draw(t, "name")}
			}),
			rapid.Custom(func(t *rapid.T) Event { return Progress{named.Draw(t, "call"), status.Draw(t, "status")} }),
			rapid.Custom(func(t *rapid.T) Event { return Answered{named.Draw(t, "call")} }),
			rapid.Custom(func(t *rapid.T) Event { return Answered{named.Draw(t, "call")} }),
			rapid.Custom(func(t *rapid.T) Event {
				return Held{named.Draw(t, "call"), rapid.Bool().Draw(t, "far"), rapid.Bool().Draw(t, "on")}
			}),
			rapid.Custom(func(t *rapid.T) Event {
				return Transferred{named.Draw(t, "call"), rapid.StringMatching("refer-[1-9]").Draw(t, "new"), text.Draw(t, "to")}
			}),
			rapid.Custom(func(t *rapid.T) Event {
				return Referred{named.Draw(t, "call"), status.Draw(t, "status"), text.Draw(t, "cause")}
			}),
			rapid.Custom(func(t *rapid.T) Event {
				return Ended{named.Draw(t, "call"), status.Draw(t, "status"), text.Draw(t, "cause"), rapid.Bool().Draw(t, "far")}
			}),
			rapid.Custom(func(t *rapid.T) Event {
				return Contact{rapid.IntRange(-1, hal.Lamps+1).Draw(t, "lamp"), hal.Signal(rapid.IntRange(0, 6).Draw(t, "signal"))}
			}),
			rapid.Custom(func(t *rapid.T) Event {
				return Directory{rapid.IntRange(-1, hal.Lamps+1).Draw(t, "lamp"), text.Draw(t, "number"), text.Draw(t, "name")}
			}),
			rapid.Custom(func(t *rapid.T) Event { return Messages{rapid.IntRange(-1, 1000).Draw(t, "n")} }),
			rapid.Custom(func(t *rapid.T) Event { return Online{text.Draw(t, "extension"), "demo", "7f3a"} }),
			rapid.Custom(func(t *rapid.T) Event { return Offline{text.Draw(t, "reason")} }),
			rapid.Custom(func(t *rapid.T) Event { return Enrolling{text.Draw(t, "code")} }),
			rapid.Custom(func(t *rapid.T) Event { return Unable{text.Draw(t, "why")} }),
			rapid.Custom(func(t *rapid.T) Event {
				return Past{text.Draw(t, "number"), text.Draw(t, "name"), rapid.SampledFrom([]Way{In, Out, Missed, "x"}).Draw(t, "way")}
			}),
			rapid.Custom(func(t *rapid.T) Event {
				return Part{rapid.SampledFrom([]string{"display", "lamp", "ringer", "sound", "hook", "key", "x"}).Draw(t, "kind"),
					rapid.SampledFrom([]string{"1", "#", "line", "dial"}).Draw(t, "name"), text.Draw(t, "word"), rapid.SampledFrom([]string{"", "", "gone"}).Draw(t, "problem")}
			}),
			rapid.Just[Event](Begin{}), rapid.Just[Event](Begin{}), rapid.Just[Event](HostKey{"SHA256:abc"}),
			rapid.Custom(func(t *rapid.T) Event { return Island{rapid.IntRange(-1, 9).Draw(t, "missing")} }),
			rapid.Custom(func(t *rapid.T) Event { return HotLine{text.Draw(t, "hot line")} }),
			rapid.Custom(func(t *rapid.T) Event {
				return Settings{rapid.IntRange(-1, 11).Draw(t, "volume"), rapid.IntRange(-1, 11).Draw(t, "bell"), rapid.Bool().Draw(t, "locked"), rapid.Bool().Draw(t, "silent")}
			}),
			rapid.Custom(func(t *rapid.T) Event { return Trouble{text.Draw(t, "trouble")} }),
			rapid.Custom(func(t *rapid.T) Event { return Heard{text.Draw(t, "peer"), "opus", 431, 3, 86, 4} }),
			rapid.Just[Event](Tick{}),
		)
		w.step(Online{"101", "demo", "7f3a"})
		for _, act := range openings[:rapid.IntRange(0, len(openings)).Draw(t, "opening")] { // chance hardly ever gets that far
			w.step(act)
		}
		for range rapid.IntRange(1, 80).Draw(t, "events") {
			if rapid.IntRange(0, 9).Draw(t, "next") == 9 && !w.p.Next().IsZero() {
				w.now = w.p.Next()
				w.step(Tick{})
				continue
			}
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			if next := w.p.Next(); !next.IsZero() && !next.After(w.now) {
				w.step(Tick{}) // or a number might be dialled by the very event that ends the call
			}
			ev := event.Draw(t, "event")
			switch e := ev.(type) { // the user agent names no two calls alike
			case Offered:
				if w.used[e.Call] {
					continue
				}
			case Transferred:
				if w.used[e.New] {
					continue
				}
			}
			if back, err := ParseEvent(ev.String()); err != nil || back != ev {
				t.Fatalf("%#v prints as %q, reads as %#v, %v", ev, ev, back, err)
			}
			w.step(ev)
			if !w.p.possible() {
				t.Fatalf("after %v: no snapshot of %+v could be resumed", ev, w.p)
			}
		}
		w.step(Input{hal.Event{Key: hal.Hook, Down: true}})
		for range 3 { // only a caller or time stops the bell of a telephone on its hook: one that waits, one that is held
			if w.rings() {
				w.now = w.now.Add(w.p.cfg.NoAnswer)
				w.step(Tick{})
			}
		}
		for _, id := range w.ids {
			if w.over[id] {
				w.step(Ended{Call: id})
			}
		}
		for _, id := range w.ids {
			if c := w.live[id]; c != nil && c.referred {
				w.step(Referred{id, 200, ""})
				w.step(Ended{Call: id})
			}
		}
		w.now = w.now.Add(time.Minute)
		w.step(Tick{})
		if len(w.live) != 0 || w.sound != (Sound{}) || w.ring != (Ring{}) || !w.p.Next().IsZero() {
			t.Fatalf("on hook, yet calls %v, %+v, %+v, next %v", w.live, w.sound, w.ring, w.p.Next())
		}
	})
}

// openings is a call, then a second one beside it, then both joined.
var openings = []Event{
	key(hal.Hook, false), key('9', true), key('#', true), Answered{"out-1"},
	key(hal.Recall, true), key('8', true), key('#', true), Answered{"out-2"},
	key(hal.Recall, true), key('3', true),
}

// TestDropped counts what means nothing.
func TestDropped(t *testing.T) {
	p := New(Default())
	for i, ev := range []Event{
		Progress{"x", 180}, Answered{"x"}, Ended{Call: "x"}, Ended{}, Offered{},
		Offered{Call: "out-1"}, Held{Call: "x"}, Referred{Call: "x"}, Transferred{Call: "x"},
		Transferred{"x", "y", "1"}, Directory{Lamp: 1}, Directory{Lamp: hal.Lamps}, Contact{Lamp: hal.LampLine}, Contact{Lamp: -1}, Contact{hal.Lamps, hal.On}, Contact{3, 99},
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
		if !strings.HasPrefix(s.code, "*") || strings.Contains(strings.TrimPrefix(s.code, "*#"), "#") || len(s.text) > Columns {
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
	for _, s := range []string{"on", "down 5", `online "101" "demo" "n"`, `ended "a" 486 far "busy"`, "contact 2 3", `held "a" far on`, `transferred "a" "b" "1"`, `directory 2 "1" ""`, `offered "a" "\x00" ""`, "tick x", `past "1" "" "in"`, `heard "1" "opus" 431 3 86 4`, `part "key" "5" "key 5" ""`, `hostkey "SHA256:x"`, "island 2", "begin"} {
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

// TestMain has the properties tried on more than rapid's hundred telephones.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "2000"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
