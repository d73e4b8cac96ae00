package firmware

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chordophone/firmware/config"
	"chordophone/hal"
	"chordophone/hal/haltest"
)

// A board whose sound card is not there starts all the same, says what is wrong and what
// to do, and its handset is silent at the usual pace.
func TestBoardWithoutCard(t *testing.T) {
	file := filepath.Join(t.TempDir(), "my.board")
	text := "name x\nhook line=GPIO4\nkey 1 line=GPIO5\naudio capture=hw:Nowhere,0 playback=hw:Nowhere,0 speaker=yes\nringer device=hw:Nowhere,0\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	said := new(haltest.Log)
	h, err := openHardware(config.Run{Board: file}, Stdio{}, nil, slog.New(slog.NewTextHandler(said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); !strings.Contains(said.String(), "no sound: microphone: no such sound device: hw:Nowhere,0") ||
		!strings.Contains(said.String(), `hint="connect the sound card`); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("said: %s", said)
		}
	}
	s, err := h.audio.Open()
	if err != nil {
		t.Fatal(err)
	}
	frame := make([]int16, hal.FrameSamples)
	begin := time.Now()
	for range 6 {
		if err := s.Write(frame); err != nil {
			t.Error(err)
		}
	}
	if d := time.Since(begin); d < 5*hal.Frame {
		t.Errorf("six frames took %v", d)
	}
	h.panel.Tell(hal.Ringing{On: true})
	h.panel.Tell(hal.Ringing{})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

// gong writes down how it rings.
type gong struct{ rung string }

func (g *gong) Ring(on bool) { g.rung += fmt.Sprintf("%t ", on) }

// A panel whose bell is a sound card rings there, and hears the rest as well.
func TestRingingCard(t *testing.T) {
	g, p := new(gong), haltest.NewPanel()
	r := ringing{p, g}
	r.Tell(hal.Ringing{On: true, From: "102"})
	r.Tell(hal.Sounding{Tone: hal.Busy})
	r.Tell(hal.Ringing{})
	if n := len(p.Take()); g.rung != "true false " || n != 3 {
		t.Errorf("rung %q, %d notices", g.rung, n)
	}
	if f := r.Findings(); f != nil {
		t.Errorf("%v", f)
	}
}
