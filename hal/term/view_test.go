package term

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"chordophone/hal"
	"chordophone/tools/story"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func press(s string) tea.KeyPressMsg {
	switch s {
	case " ":
		return tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}
	case "enter":
		return tea.KeyPressMsg{Code: tea.KeyEnter}
	case "ctrl+c":
		return tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: []rune(s)[0], Text: s}
}

// scene is a telephone in a call from 102 while 103 knocks.
func scene() *model {
	m := newModel(noon, func(hal.Event) {})
	at := noon
	tell := func(n hal.Notice) {
		at = at.Add(time.Second)
		m.Update(noticed{at, n})
	}
	tell(hal.Ready{Extension: "101", Office: "Lighthouse", Node: "3fa1c0de"})
	tell(hal.Lines{Lines: []string{"101 Lighthouse", "no messages"}})
	tell(hal.Ringing{On: true, From: "102", CallerName: "Bob"})
	tell(hal.CallState{ID: "1", State: "ringing", Peer: "102"})
	m.Update(press(" "))
	tell(hal.Ringing{})
	tell(hal.CallState{ID: "1", State: "connected", Peer: "102"})
	tell(hal.Fault{Message: "the neighbour 103 does not answer", Hint: "is it switched on?"})
	tell(hal.Sounding{Tone: hal.Waiting})
	m.Update(logged{at, "level=WARN msg=\"late frame\"\n"})
	m.Update(hal.Picture{hal.LampLine: hal.On, hal.LampMessage: hal.Wink, hal.LampContact: hal.Flash, hal.LampContact + 1: hal.Blip, hal.LampContact + 9: hal.On})
	m.Update(tick(noon.Add(72 * time.Second)))
	m.Update(press("5"))
	return m
}

// The pictures in testdata are what the person sees; a change of them is read as a
// change of the telephone. One has its colours, as escape sequences.
func TestPictures(t *testing.T) {
	idle := newModel(noon, func(hal.Event) {})
	for _, c := range []struct {
		name          string
		m             *model
		width, height int
		colours       bool
	}{
		{"starting-80x24", idle, 80, 24, false},
		{"call-80x24", scene(), 80, 24, false},
		{"call-80x20", scene(), 80, 20, false},
		{"call-120x40", scene(), 120, 40, false},
		{"call-40x20", scene(), 40, 20, false},
		{"call-60x16", scene(), 60, 16, false},
		{"colours-80x24", scene(), 80, 24, true},
	} {
		c.m.Update(tea.WindowSizeMsg{Width: c.width, Height: c.height})
		got := c.m.View().Content
		if !c.colours {
			got = ansi.Strip(got)
		} else {
			got = strings.ReplaceAll(got, "\x1b", "^[")
		}
		var b strings.Builder
		for line := range strings.Lines(got) {
			b.WriteString(strings.TrimRight(line, " \n") + "\n")
		}
		story.Golden(t, filepath.Join("testdata", c.name+".txt"), b.String())
	}
}

// The picture fits every window, whatever the network says.
func TestPictureFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(noon, func(hal.Event) {})
		text := rapid.StringN(0, 60, -1)
		for range rapid.IntRange(0, 20).Draw(t, "notices") {
			var n hal.Notice
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				n = hal.Ready{Extension: text.Draw(t, "ext"), Office: text.Draw(t, "office"), Node: text.Draw(t, "node")}
			case 1:
				n = hal.Lines{Lines: rapid.SliceOfN(text, 0, 4).Draw(t, "lines")}
			case 2:
				n = hal.Ringing{On: true, From: text.Draw(t, "from"), CallerName: text.Draw(t, "name")}
			case 3:
				n = hal.CallState{ID: text.Draw(t, "id"), State: text.Draw(t, "state"), Peer: text.Draw(t, "peer"), Cause: text.Draw(t, "cause")}
			case 4:
				n = hal.Fault{Message: text.Draw(t, "message"), Hint: text.Draw(t, "hint")}
			}
			m.Update(noticed{noon, n})
		}
		w, h := rapid.IntRange(0, 150).Draw(t, "w"), rapid.IntRange(0, 50).Draw(t, "h")
		m.Update(tea.WindowSizeMsg{Width: w, Height: h})
		lines := strings.Split(m.View().Content, "\n")
		if len(lines) > max(h, 1) {
			t.Fatalf("%d lines in a window of %d", len(lines), h)
		}
		for _, l := range lines {
			if n := ansi.StringWidth(l); n > max(w, 1) {
				t.Fatalf("%d cells in a window of %d: %q", n, w, l)
			}
		}
	})
}

// What a caller names himself cannot move the cursor.
func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"Bob\x1b[2J\r\n":   "Bob[2J",
		"\u202eevil\u0007": "evil",
		"Zoë 電話":           "Zoë 電話",
		"a\tb":             "a b",
		"102 \ufe0f":       "102 ",
		"\xff":             "\uFFFD",
		"\u009b31mred":     "31mred",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q", in, got)
		}
	}
}

func TestBlinking(t *testing.T) {
	share := map[hal.Signal]int{}
	changes := map[hal.Signal]int{}
	for s := hal.Off; s <= hal.Blip; s++ {
		last := lit(s, noon.Add(-time.Millisecond))
		for ms := range 2000 {
			now := lit(s, noon.Add(time.Duration(ms)*time.Millisecond))
			if now {
				share[s]++
			}
			if now != last {
				changes[s]++
			}
			last = now
		}
	}
	if got := fmt.Sprint(share, changes); got != "map[on:2000 wink:1750 flash:1000 blip:125] map[wink:4 flash:16 blip:2]" {
		t.Error(got)
	}
}
