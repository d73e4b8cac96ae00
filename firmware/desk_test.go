package firmware

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"chordophone/firmware/phone"
	"chordophone/hal"
	"chordophone/hal/haltest"
	"chordophone/sip/media"
	"chordophone/sip/ua"
	"chordophone/storage"
)

// clerk is a user agent that writes down what it is asked.
type clerk struct {
	events chan ua.Event
	asked  []string
}

func (c *clerk) Events() <-chan ua.Event { return c.events }
func (c *clerk) note(format string, args ...any) {
	c.asked = append(c.asked, fmt.Sprintf(format, args...))
}
func (c *clerk) Dial(call, number string)       { c.note("dial %s %s", call, number) }
func (c *clerk) Answer(call string)             { c.note("answer %s", call) }
func (c *clerk) Reject(call string, status int) { c.note("reject %s %d", call, status) }
func (c *clerk) Hangup(call string)             { c.note("hangup %s", call) }
func (c *clerk) Abort(call, cause string)       { c.note("abort %s: %s", call, cause) }
func (c *clerk) Hold(call string, on bool)      { c.note("hold %s %t", call, on) }
func (c *clerk) Transfer(call, number string)   { c.note("transfer %s %s", call, number) }
func (c *clerk) TransferTo(call, other string)  { c.note("transfer %s to %s", call, other) }

// deskTest is a desk with all that is round it.
type deskTest struct {
	t     *testing.T
	clerk *clerk
	panel *haltest.Panel
	desk  *desk
	gains []float64
	bells []float64
	kept  []phone.Settings
	stop  func()
}

func newDeskTest(t *testing.T) *deskTest {
	log := slog.New(slog.DiscardHandler)
	db, err := storage.Open(filepath.Join(t.TempDir(), storage.File), log)
	if err != nil {
		t.Fatal(err)
	}
	w := &deskTest{t: t, clerk: &clerk{events: make(chan ua.Event)}, panel: haltest.NewPanel()}
	w.desk = &desk{
		phone: phone.New(phone.Default()), recorder: newPhoneRecorder(phone.Default(), "v0"),
		panel: w.panel, calls: w.clerk, voice: newVoice(nil, nil, log), ledger: newLedger(db, log),
		events: newMailbox(), log: log, sounds: make(map[string]*media.Session),
		gain: func(decibel float64) { w.gains = append(w.gains, decibel) },
		bell: func(decibel float64) { w.bells = append(w.bells, decibel) },
		keep: func(s phone.Settings) { w.kept = append(w.kept, s) },
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.desk.run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		db.Close()
	})
	t.Cleanup(w.stop)
	w.desk.events.tell(phone.Online{Extension: "101", Office: "office"})
	return w
}

// do presses keys: h lifts the handset, H puts it back.
func (w *deskTest) do(keys string) {
	for _, k := range keys {
		switch k {
		case 'h':
			w.desk.events.tell(phone.Input{Event: hal.Event{Key: hal.Hook}})
		case 'H':
			w.desk.events.tell(phone.Input{Event: hal.Event{Key: hal.Hook, Down: true}})
		default:
			w.desk.events.tell(phone.Input{Event: hal.Event{Key: hal.Key(k), Down: true}})
		}
	}
}

// answered has the user agent agree on a call.
func (w *deskTest) answered(call string) *media.Session {
	s, err := media.New(media.Config{Local: netip.MustParseAddr("127.0.44.9")})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { s.Close() })
	w.clerk.events <- ua.Answered{Call: call, Media: s, Peer: "102"}
	return s
}

// asked is what the user agent was asked since the last time, once all that went
// before is done.
func (w *deskTest) asked(want ...string) {
	w.t.Helper()
	w.clerk.events <- ua.Progress{} // of no call
	got := w.clerk.asked
	w.clerk.asked = nil
	if !slices.Equal(got, want) {
		w.t.Errorf("asked %q, want %q", got, want)
	}
}

// heard holds which calls the handset has to do with.
func (w *deskTest) heard(call, with *media.Session) {
	w.t.Helper()
	w.clerk.events <- ua.Progress{}
	e := <-w.desk.voice.want
	if a, _ := e.call.(*media.Session); a != call {
		w.t.Errorf("the handset has to do with %p, want %p", a, call)
	}
	if b, _ := e.with.(*media.Session); b != with {
		w.t.Errorf("beside it with %p, want %p", b, with)
	}
}

// The desk carries out what the telephone wants of two calls, and lets the handset
// follow.
func TestDeskTwoCalls(t *testing.T) {
	w := newDeskTest(t)
	w.do("h102#")
	w.asked("dial out-1 102")
	one := w.answered("out-1")
	w.heard(one, nil)
	w.do("r103#")
	w.asked("hold out-1 true", "dial out-2 103")
	w.heard(nil, nil)
	two := w.answered("out-2")
	w.heard(two, nil)
	w.do("r")
	w.asked("hold out-2 true", "hold out-1 false")
	w.do("3")
	w.asked("hold out-2 false")
	w.heard(one, two)
	w.do("r")
	w.asked("hold out-2 true")
	w.heard(one, nil)
	w.do("H")
	w.asked("transfer out-2 to out-1")
	w.heard(nil, nil)
	w.clerk.events <- ua.Referred{Call: "out-2", Status: 486}
	w.asked("hangup out-1")
	w.do("h")
	w.asked("hold out-2 false")
	w.heard(two, nil)
	w.do("r104#H")
	w.asked("hold out-2 true", "dial out-3 104", "hangup out-3")
	w.clerk.events <- ua.Ended{Call: "out-3", Status: 487}
	w.asked("transfer out-2 104")
	w.clerk.events <- ua.Referred{Call: "out-2", Status: 200}
	for _, call := range []string{"out-1", "out-2"} {
		w.clerk.events <- ua.Ended{Call: call}
	}
	w.asked()
	w.stop()
	if len(w.desk.sounds) != 0 {
		t.Errorf("sound is kept of %v", w.desk.sounds)
	}
}

// When the far side hands us over the earpiece goes to the new call once that is
// answered, and stays with the old one when it comes to nothing.
func TestDeskFollowsTransfer(t *testing.T) {
	w := newDeskTest(t)
	w.clerk.events <- ua.Offered{Call: "in-1", From: "102"}
	w.do("h")
	w.asked("answer in-1")
	old := w.answered("in-1")
	w.clerk.events <- ua.Held{Call: "in-1", ByFar: true, On: true}
	w.heard(old, nil)
	w.clerk.events <- ua.Transferred{Call: "in-1", New: "refer-1", To: "103"}
	w.clerk.events <- ua.Progress{Call: "refer-1", Status: 180}
	w.heard(old, nil)
	w.clerk.events <- ua.Ended{Call: "refer-1", Status: 486}
	w.heard(old, nil)
	w.clerk.events <- ua.Transferred{Call: "in-1", New: "refer-2", To: "103"}
	w.unchanged()
	next := w.answered("refer-2")
	w.asked("hangup in-1")
	w.heard(next, nil)
	w.clerk.events <- ua.Ended{Call: "in-1", Status: 200}

	// What is answered when nobody is there any more is heard by nobody, and
	// forgotten.
	w.do("H")
	w.asked("hangup refer-2")
	w.heard(nil, nil)
	w.clerk.events <- ua.Transferred{Call: "refer-2", New: "refer-3", To: "104"}
	w.answered("refer-3")
	w.asked("hangup refer-3")
	w.unchanged()
	w.clerk.events <- ua.Ended{Call: "refer-2", Status: 200}
	w.clerk.events <- ua.Ended{Call: "refer-3", Status: 200}
	w.asked()
	w.stop()
	if len(w.desk.sounds) != 0 {
		t.Errorf("sound is kept of %v", w.desk.sounds)
	}
}

// unchanged holds that the handset was told nothing new.
func (w *deskTest) unchanged() {
	w.t.Helper()
	w.clerk.events <- ua.Progress{}
	select {
	case e := <-w.desk.voice.want:
		w.t.Errorf("the handset is told %+v", e)
	default:
	}
}

// The keys for it change how loud the earpiece is, with the handset in its cradle the
// bell; both are kept.
func TestDeskVolume(t *testing.T) {
	w := newDeskTest(t)
	w.do("h>><H<")
	w.stop()
	if !slices.Equal(w.gains, []float64{3, 6, 3}) || !slices.Equal(w.bells, []float64{-3}) {
		t.Errorf("gains of %v and %v dB", w.gains, w.bells)
	}
	if want := (phone.Settings{Volume: 8, Bell: 6}); len(w.kept) != 4 || w.kept[3] != want {
		t.Errorf("kept: %v, want at last %v", w.kept, want)
	}
}
