package term

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"chordophone/hal"
)

var _ hal.Panel = (*Panel)(nil)

func TestKeys(t *testing.T) {
	var got []string
	m := newModel(noon, func(ev hal.Event) {
		got = append(got, fmt.Sprintf("%c%c", map[bool]rune{true: '+', false: '-'}[ev.Down], ev.Key))
	})
	for _, k := range []string{" ", "1", "0", "#", "a", "r", "x", "enter"} {
		m.Update(press(k))
	}
	m.Update(comeUp(1)) // of a key that was let go by the next
	m.Update(comeUp(5))
	m.Update(comeUp(5))
	if want := "-h +1 -1 +0 -0 +# -# +A -A +r +h -r"; strings.Join(got, " ") != want {
		t.Errorf("%v\nwant %s", got, want)
	}
}

// After a full stop a key stays down long enough to mean something else.
func TestHeldKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(noon, func(hal.Event) {})
		if cmd := m.typed(press(".")); cmd != nil || m.held != 0 {
			t.Error("the full stop is a key")
		}
		for _, want := range []time.Duration{longHold, hold} {
			began := time.Now()
			m.typed(press("0"))()
			if took := time.Since(began); took != want {
				t.Errorf("down for %v, want %v", took, want)
			}
		}
	})
}

func TestQuitKeys(t *testing.T) {
	for _, k := range []string{"q", "ctrl+c"} {
		_, cmd := newModel(noon, nil).Update(press(k))
		if cmd == nil || !reflect.DeepEqual(cmd(), tea.QuitMsg{}) {
			t.Errorf("%s does not quit", k)
		}
	}
}

// An idle telephone draws nothing; one tick at a time is under way otherwise.
func TestTicks(t *testing.T) {
	m := newModel(noon, func(hal.Event) {})
	step := func(msg tea.Msg, want bool) {
		t.Helper()
		if _, cmd := m.Update(msg); (cmd != nil) != want {
			t.Errorf("after %v: tick %t", msg, cmd != nil)
		}
	}
	step(noticed{noon, hal.Ready{}}, false)
	step(hal.Picture{hal.On}, false)
	step(hal.Picture{hal.Flash}, true)
	step(hal.Picture{hal.Flash, hal.Wink}, false)
	step(tick(noon), true)
	step(hal.Picture{}, false)
	step(tick(noon), false)
	step(noticed{noon, hal.CallState{ID: "1", State: "connected"}}, true)
	step(tick(noon), true)
	step(noticed{noon, hal.CallState{ID: "1", State: "ended"}}, false)
	step(tick(noon), false)
}

func TestCalls(t *testing.T) {
	m := newModel(noon, nil)
	tell := func(s int, id, state string) {
		m.Update(noticed{noon.Add(time.Duration(s) * time.Second), hal.CallState{ID: id, State: state}})
	}
	tell(1, "a", "ringing")
	tell(2, "a", "connected")
	tell(3, "b", "ringing")
	tell(4, "a", "held")
	tell(5, "a", "connected")
	if len(m.calls) != 2 || m.calls[0].since != noon.Add(2*time.Second) {
		t.Errorf("%+v", m.calls)
	}
	tell(6, "a", "ended")
	tell(7, "unknown", "ended")
	if len(m.calls) != 1 || m.calls[0].ID != "b" {
		t.Errorf("%+v", m.calls)
	}
	for i := range 100 {
		tell(8, fmt.Sprint(i), "ringing")
	}
	if len(m.calls) != maxCalls {
		t.Errorf("%d calls", len(m.calls))
	}
	for range 2 * maxHistory {
		m.Update(logged{noon, "line"})
	}
	if len(m.history) != maxHistory {
		t.Errorf("%d lines of history", len(m.history))
	}
}

func TestBell(t *testing.T) {
	start := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	m := newModel(start, func(hal.Event) {})
	rung := func(after time.Duration) bool {
		m.now = start.Add(after)
		cmd := m.bell()
		return cmd != nil && cmd() == tea.RawMsg{Msg: "\a"}
	}
	if rung(0) {
		t.Error("rings with nobody calling")
	}
	m.ring.On = true
	if !rung(time.Second) || rung(2*time.Second) || !rung(time.Second+bellEvery) {
		t.Error("does not ring at once and then in cadence")
	}
	m.ring.On = false
	if rung(time.Minute) {
		t.Error("rings on after the caller gave up")
	}
}
