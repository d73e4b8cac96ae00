package firmware

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/board"
	"chordophone/firmware/config"
	"chordophone/firmware/phone"
	"chordophone/firmware/phone/selftest"
	"chordophone/hal"
	"chordophone/hal/sound"
)

// The code *#0*# on the keys begins a test of the parts that the body has, and what it
// finds is told to the panel.
func TestSelfTestByKeys(t *testing.T) {
	w := newDeskTest(t)
	b := &board.Board{Name: "pipe", Virtual: true}
	w.desk.parts = func() []selftest.Part {
		return selftest.Of(b, []hal.Finding{{Word: "audio capture= playback=", Problem: "no sound: no card"}})
	}
	w.do("h*#0*#")
	w.do("H") // the cradle
	w.do("h123A456B789C*0#")
	w.desk.events.tell(phone.Input{Event: hal.Event{Key: 'D', Down: true}})
	w.stop()
	var got *hal.Tested
	for _, n := range w.panel.Take() {
		if n, ok := n.(hal.Tested); ok {
			got = &n
		}
	}
	if got == nil {
		t.Fatal("no results were told")
	}
	if len(got.Results) != 2+len(hal.Digits) {
		t.Errorf("%d results", len(got.Results))
	}
	for _, r := range got.Results {
		if want := r.Part != "sound"; r.OK != want || !want && r.Says != "no sound: no card" {
			t.Errorf("%+v", r)
		}
	}
}

// What the telephone shows of a call that has ended is what was measured.
func TestHeard(t *testing.T) {
	for _, c := range []struct {
		sound hal.Sound
		want  phone.Heard
	}{
		{hal.Sound{}, phone.Heard{Peer: "102"}},
		{hal.Sound{Codec: "opus", Received: 997, Lost: 3, MOSCQ: 4.312, DelayMS: 86.4, JitterMS: 3.6},
			phone.Heard{Peer: "102", Codec: "opus", MOS: 431, Loss: 3, Delay: 86, Jitter: 4}},
		{hal.Sound{Received: 10, Lost: -2}, phone.Heard{Peer: "102"}}, // some came twice
	} {
		if got := heard("102", c.sound); got != c.want {
			t.Errorf("%+v: %+v, want %+v", c.sound, got, c.want)
		}
	}
}

// Parts reach the telephone in their order, and then the word to begin.
func TestPartEvents(t *testing.T) {
	got := partEvents([]selftest.Part{{Kind: selftest.Lamp, Name: "line", Word: "lamp line line=GPIO25", Problem: "dark"}})
	want := []phone.Event{phone.Part{Kind: "lamp", Name: "line", Word: "lamp line line=GPIO25", Problem: "dark"}, phone.Begin{}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, ev := range got {
		if strings.Contains(ev.String(), "\n") {
			t.Errorf("%q is no line", ev)
		}
	}
}

// A phone is on an island when it sees no more than half of its office; a few that are
// switched off are no reason to alarm anybody.
func TestCutOff(t *testing.T) {
	for _, c := range []struct{ members, inSight, want int }{
		{0, 1, 0}, {1, 1, 0}, {2, 2, 0}, {2, 1, 1}, {3, 2, 0}, {3, 1, 2}, {4, 2, 2}, {4, 3, 0}, {20, 11, 0}, {20, 9, 11}, {3, 5, 0},
	} {
		if got := cutOff(c.members, c.inSight); got != c.want {
			t.Errorf("%d of %d in sight: %d missing, want %d", c.inSight, c.members, got, c.want)
		}
	}
}

// A telephone whose whole body is missing starts all the same and says so in the words
// of its board file; each part of a self-test fails with the reason.
func TestBodyMissing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "my.board")
	text := `name nowhere
chip label=no-such-chip
key 1 line=GPIO5
hook line=GPIO4
lamp line line=GPIO25
audio capture=hw:NoSuchCard,0 playback=hw:NoSuchCard,0
display driver=ssd1306 bus=31
`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	h, err := openBoard(file, config.Run{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	h.panel.Show(hal.Picture{hal.LampLine: hal.On})
	h.panel.Tell(hal.Lines{Lines: []string{"nobody reads this"}})
	var words []string
	for give := time.Now().Add(time.Minute); len(words) < 3 && time.Now().Before(give); time.Sleep(10 * time.Millisecond) {
		words = nil
		for _, f := range h.Findings() {
			words = append(words, strings.Fields(f.Word)[0])
			if f.Problem == "" || f.Hint == "" {
				t.Errorf("%+v", f)
			}
		}
	}
	if got := strings.Join(words, " "); got != "audio chip display" {
		t.Errorf("found wrong: %s", got)
	}
	if got := shortly(h.Findings()); got != "no sound" {
		t.Errorf("the display says %q", got)
	}
	for _, r := range selftest.Check(h.parts()) {
		if r.OK {
			t.Errorf("%+v", r)
		}
	}
}

// faulty is a panel with a fault now and then.
type faulty struct {
	hal.Panel
	is atomic.Bool
}

func (f *faulty) Findings() []hal.Finding {
	if f.is.Load() {
		return []hal.Finding{{Word: "display driver=ssd1306"}}
	}
	return nil
}

// A fault is told some seconds after it comes, and a second after it goes, each once.
func TestFaultComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		panel := new(faulty)
		a := &appliance{body: &hardware{panel: panel, audio: new(sound.Audio)}, events: newMailbox()}
		go a.watchBody(ctx)
		for _, want := range []string{"fault: display", "", "fault: display", ""} {
			select {
			case ev := <-a.events.c:
				t.Errorf("nothing has changed: %v", ev)
			case <-time.After(time.Hour + 300*time.Millisecond):
			}
			changed, within := time.Now(), 10*time.Second
			if want == "" {
				within = time.Second
			}
			panel.is.Store(want != "")
			ev := <-a.events.c
			if got, ok := ev.(phone.Trouble); !ok || got.Text != want || time.Since(changed) > within {
				t.Errorf("after %v: %+v, want %q", time.Since(changed), ev, want)
			}
		}
		stop()
		synctest.Wait()
	})
}
