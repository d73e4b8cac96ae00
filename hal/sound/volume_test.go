package sound

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/hal"
	"chordophone/hal/alsa"
)

// watched is an audio of two cards that Watch looks after.
func watched(t *testing.T, log *strings.Builder, c alsa.Control) (a *Audio, ear, bell *plug) {
	ear, bell = new(plug), new(plug)
	a = newAudio()
	a.cards = []part{{name: earpiece, port: ear}, {name: bellPart, port: bell}}
	a.volume.driven, a.bell.driven, a.volume.control = true, true, c
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Watch(ctx, slog.New(slog.NewTextHandler(log, nil)), func(hal.Fault) {})
	}()
	t.Cleanup(func() { stop(); <-done })
	return a, ear, bell
}

// obeys says what the card does when it is asked.
func (p *plug) obeys(mixer func(c alsa.Control, decibel float64) (rest float64, err error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mixer = mixer
}

// decibel is what the samples are changed by.
func (v *volume) decibel() float64 { return 20 * math.Log10(float64(v.gain.Load())/unity) }

// The card does what it can, and the samples are changed by the rest; by all of it where
// the card can do nothing, which is said once.
func TestVolumeIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		a, ear, _ := watched(t, &log, alsa.Control{Name: "Speaker", Normal: 60})
		ear.obeys(func(c alsa.Control, decibel float64) (float64, error) {
			if c != (alsa.Control{Name: "Speaker", Normal: 60}) {
				return decibel, fmt.Errorf("asked for %+v", c)
			}
			return max(0, decibel-3), nil // it reaches no higher
		})
		for _, c := range []struct{ decibel, rest float64 }{{-21, 0}, {3, 0}, {9, 6}, {0, 0}} {
			a.SetGain(c.decibel)
			wait(100 * time.Millisecond) // not as late as the next look at the cards
			if got := a.volume.decibel(); math.Abs(got-c.rest) > 0.01 {
				t.Errorf("%+.0f dB: the samples are changed by %+.1f dB, want %+.1f", c.decibel, got, c.rest)
			}
		}
		if all := ear.volumes(); !slices.Equal(all[len(all)-4:], []float64{-21, 3, 9, 0}) {
			t.Errorf("the card was asked for %v", all)
		}
		ear.obeys(func(_ alsa.Control, decibel float64) (float64, error) { return decibel, alsa.ErrNoVolume })
		for _, decibel := range []float64{-21, 9} {
			a.SetGain(decibel)
			wait(100 * time.Millisecond)
			if got := a.volume.decibel(); math.Abs(got-decibel) > 0.01 {
				t.Errorf("without a control %+.0f dB are %+.1f", decibel, got)
			}
		}
		if n := strings.Count(log.String(), alsa.ErrNoVolume.Error()); n != 1 {
			t.Errorf("said %d times: %s", n, &log)
		}
	})
}

// Without Watch, as with files and sockets, the samples are changed at once.
func TestVolumeWithoutCard(t *testing.T) {
	a := newAudio()
	a.SetGain(-6)
	a.SetBell(3)
	if ear, bell := a.volume.decibel(), a.bell.decibel(); math.Abs(ear+6) > 0.01 || math.Abs(bell-3) > 0.01 {
		t.Errorf("%+.1f and %+.1f dB", ear, bell)
	}
}

// Earpiece and bell have two volumes, also where they are one card with one control: that
// is the bell's while it rings.
func TestTwoVolumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		a, ear, bell := watched(t, &log, alsa.Control{})
		control := 100. // of the card that is both
		set := func(_ alsa.Control, decibel float64) (float64, error) { control = decibel; return 0, nil }
		ear.obeys(set)
		bell.obeys(set)
		a.ringer = startRinger(func() sink { return new(cardEnd) })
		a.owned = append(a.owned, a.ringer)
		defer a.Close()
		is := func(want float64, when string) {
			t.Helper()
			wait(100 * time.Millisecond)
			if control != want {
				t.Errorf("%s the card stands at %+.0f dB, want %+.0f", when, control, want)
			}
		}
		is(0, "at first")
		a.SetBell(9)
		is(0, "before it rings")
		a.SetGain(-21)
		is(-21, "at rest")
		a.Ring(true)
		is(9, "while it rings")
		a.SetBell(6)
		is(6, "turned while it rings")
		a.Ring(false)
		is(-21, "afterwards")
		bell.is(errors.New("gone"))
		a.Ring(true)
		is(-21, "while the bell is gone")
	})
}

// The bell's samples are changed, and wrap nothing round.
func TestSofterBell(t *testing.T) {
	out, v := new(cardEnd), new(volume)
	v.turn(6)
	softer{out, v}.Write([]int16{0, 100, -20000, 20000})
	if !slices.Equal(out.played, []int16{0, 200, -32768, 32767}) {
		t.Errorf("%v", out.played)
	}
}
