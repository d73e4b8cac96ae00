package firmware

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/firmware/phone"
	"chordophone/hal"
	"chordophone/tools/story"
)

// recordedPhone is a telephone with a recorder round it, as the desk has.
type recordedPhone struct {
	*phone.Phone
	*phoneRecorder
}

func newRecordedPhone() recordedPhone {
	cfg := phone.Default()
	cfg.Extension, cfg.Office = "102", "demo"
	return recordedPhone{phone.New(cfg), newPhoneRecorder(cfg, "v1.2.3")}
}

func (p recordedPhone) step(ev phone.Event) {
	now := time.Now()
	p.record(now, ev, p.Step(now, ev))
}

func (p recordedPhone) text(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.dump(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// aDay is what happens to it.
func (p recordedPhone) aDay() {
	for _, ev := range []phone.Event{
		phone.Tick{},
		phone.Online{Extension: "102", Office: "demo", Node: "9c01"},
		phone.Input{Event: hal.Event{Key: hal.Hook}},
		phone.Input{Event: hal.Event{Key: '*', Down: true}},
		phone.Input{Event: hal.Event{Key: '*'}},
		phone.Input{Event: hal.Event{Key: '7', Down: true}},
		phone.Input{Event: hal.Event{Key: '3', Down: true}},
		phone.Input{Event: hal.Event{Key: '#', Down: true}},
		phone.Enrolling{Code: "271828"},
		phone.Input{Event: hal.Event{Key: hal.Hook, Down: true}},
		phone.Contact{Lamp: hal.LampMessage, Signal: hal.Wink},
		phone.Offered{Call: "a", From: "101", Name: "Ada\n\xff"},
		phone.Input{Event: hal.Event{Key: hal.Hook}},
		phone.Offered{Call: "b", From: "103"},
		phone.Answered{Call: "a"},
		phone.Tick{},
		phone.Ended{Call: "a", Status: 200, Cause: "bye", ByFar: true},
		phone.Input{Event: hal.Event{Key: hal.Hook, Down: true}},
		phone.Input{Event: hal.Event{Key: hal.Hook}},
		phone.Input{Event: hal.Event{Key: '1', Down: true}},
		phone.Input{Event: hal.Event{Key: '#', Down: true}},
		phone.Progress{Call: "out-1", Status: 180},
		phone.Enrolling{},
		phone.Offline{Reason: "cable out"},
		phone.Input{Event: hal.Event{Key: hal.Hook, Down: true}},
	} {
		p.step(ev)
		time.Sleep(1234567891 * time.Nanosecond)
	}
}

// The dumps, whole and without their beginning, are those that tools/replay is
// tested with, and no pairing code is in them.
func TestPhoneDump(t *testing.T) {
	for _, c := range []struct {
		file string
		most int
	}{
		{"telephone.txt", maxRecorded},
		{"telephone-idle.txt", 14}, // cut while the pairing code is shown
		{"telephone-talking.txt", 10},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newRecordedPhone()
			p.steps = p.steps[:c.most]
			p.aDay()
			text := p.text(t)
			if strings.Contains(text, "271828") {
				t.Error("the pairing code is in the dump")
			}
			story.Golden(t, "../tools/replay/testdata/"+c.file, text)
		})
	}
}

// What is remembered is bounded in number and in octets, whatever comes from the
// network, and what is left plays on from the state before it.
func TestPhoneRecorderIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRecordedPhone()
		for range 100 {
			p.aDay()
		}
		if text := p.text(t); p.count != maxRecorded || p.skipped != 1500 || !strings.Contains(text, "the last 1000 events of 2500.\n") {
			t.Errorf("%d events, %d skipped; the dump begins %.200s", p.count, p.skipped, text)
		}
		long := strings.Repeat("x", 10_000)
		for range 1000 {
			p.step(phone.Offered{Call: "c", From: "103", Name: long})
		}
		if p.octets > maxRecordedText || p.count > maxRecordedText/10_000 || p.skipped+p.count != 3500 {
			t.Errorf("%d octets in %d events, %d skipped", p.octets, p.count, p.skipped)
		}
		p.step(phone.Offered{Call: "d", Name: strings.Repeat("x", 2*maxRecordedText)})
		if p.count != 0 {
			t.Errorf("%d events are remembered beside one too large", p.count)
		}
		p.text(t)
	})
}

// A dump may be made at any time from elsewhere; the race detector watches.
func TestPhoneDumpMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRecordedPhone()
		p.steps = p.steps[:20]
		var wg sync.WaitGroup
		wg.Go(func() {
			for range 10 {
				p.aDay()
			}
		})
		wg.Go(func() {
			for range 100 {
				p.text(t)
				time.Sleep(time.Second)
			}
		})
		wg.Wait()
	})
}
