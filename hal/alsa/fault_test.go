package alsa

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"chordophone/hal"
)

// An xrun and a machine that slept are survived, in both directions.
func TestRecovery(t *testing.T) {
	for _, dir := range []Direction{Capture, Playback} {
		for _, err := range []error{unix.EPIPE, unix.ESTRPIPE} {
			synctest.Test(t, func(t *testing.T) {
				c := newCard(16000, 1)
				request := map[Direction]uintptr{Capture: ioctlReadi, Playback: ioctlWritei}[dir]
				mic, ear := handset(t, c)
				call(mic, ear, 10, quick)
				c.fail = map[uintptr][]error{request: {nil, nil, err}}
				begin := time.Now()
				heard := call(mic, ear, second, quick)
				if d := time.Since(begin); d < 970*time.Millisecond || d > 1060*time.Millisecond {
					t.Errorf("%v, %v: a second took %v", dir, err, d)
				}
				if got := mic.port.Stats().Xruns + ear.port.Stats().Xruns; got != 1 {
					t.Errorf("%v, %v: %d xruns counted", dir, err, got)
				}
				if slices.Max(heard[len(heard)-hal.FrameSamples:]) < 9000 || slices.Max(c.played[len(c.played)-hal.FrameSamples:]) < 9000 {
					t.Errorf("%v, %v: silent afterwards", dir, err)
				}
				mic.Close()
				ear.Close()
			})
		}
	}
}

// A card that is unplugged in a call leaves silence at the same pace, and is heard again
// when it is back under its name, whatever number it has then.
func TestUnplugged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCard(48000, 2)
		mic, ear := handset(t, c)
		m := mic.port.sys.(*machine)
		call(mic, ear, second, quick)
		c.gone = true
		begin := time.Now()
		heard := call(mic, ear, 3*second, quick)
		if d := time.Since(begin); d < 2980*time.Millisecond || d > 3040*time.Millisecond {
			t.Errorf("three seconds took %v", d)
		}
		if slices.Max(heard[len(heard)/2:]) != 0 {
			t.Error("a card that is gone is heard")
		}
		for _, p := range []*Port{mic.port, ear.port} {
			if err := p.Trouble(); !errors.Is(err, ErrNoDevice) || p.Stats().Losses != 1 {
				t.Errorf("%v: %v, %+v", p.dir, err, p.Stats())
			}
		}
		if len(m.fds) != 0 {
			t.Errorf("%d files of the old card are open, so it cannot come back by its name", len(m.fds))
		}
		c.gone, c.number, c.played = false, 4, nil
		heard = call(mic, ear, 2*second, quick)
		if slices.Max(heard[len(heard)/2+hal.Rate/10:]) < 9000 || len(c.played) < 48000/2 || slices.Max(c.played) < 9000 {
			t.Errorf("not heard within a second after it came back: %d frames played", len(c.played))
		}
		if err := errors.Join(mic.port.Trouble(), ear.port.Trouble()); err != nil {
			t.Error(err)
		}
		mic.Close()
		ear.Close()
		if len(m.fds) != 0 {
			t.Error("left open")
		}
	})
}

// A playback without its card has the card's pace, and says why it is silent.
func TestAbsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCard(16000, 1)
		c.busy = true
		p, _ := open(t, c, Playback)
		begin := time.Now()
		for range 2*second + second/10 + 1 {
			p.Write(make([]int16, hal.FrameSamples))
		}
		if d := time.Since(begin); d != 2100*time.Millisecond {
			t.Errorf("2.1 seconds took %v", d)
		}
		if err := p.port.Trouble(); !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), "another program uses it") {
			t.Errorf("%v", err)
		}
		c.busy = false
		for range 2 * second {
			p.Write(make([]int16, hal.FrameSamples))
		}
		if err := p.port.Trouble(); err != nil || len(c.played) < 2*16000-3000 {
			t.Errorf("%v, %d samples played after it was free", err, len(c.played))
		}
		p.Close()
		if err := p.port.Trouble(); err != nil {
			t.Error(err)
		}
		c.gone = true
		if err := p.port.Trouble(); !errors.Is(err, ErrNoDevice) {
			t.Errorf("unplugged while nothing is open: %v", err)
		}
	})
}

// A card that moves nothing is given up instead of waited for.
func TestStuck(t *testing.T) {
	for _, dir := range []Direction{Capture, Playback} {
		synctest.Test(t, func(t *testing.T) {
			c := newCard(16000, 1)
			p, _ := open(t, c, dir)
			c.stuck = true
			begin := time.Now()
			for range 50 {
				if dir == Capture {
					p.Read(make([]int16, hal.FrameSamples))
				} else {
					p.Write(make([]int16, hal.FrameSamples))
				}
			}
			if d := time.Since(begin); d > 1500*time.Millisecond || p.port.Stats().Losses == 0 {
				t.Errorf("%v: 50 frames took %v, %+v", dir, d, p.port.Stats())
			}
			p.Close()
		})
	}
}

// A card that says that it is ready and moves nothing is given up, too.
func TestLiar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCard(16000, 1)
		p, _ := open(t, c, Capture)
		c.fail = map[uintptr][]error{ioctlReadi: slices.Repeat([]error{unix.EAGAIN}, 1000)}
		c.liar = true
		p.Read(make([]int16, hal.FrameSamples))
		if left := len(c.fail[ioctlReadi]); left < 980 || p.port.Stats().Losses != 1 {
			t.Errorf("tried %d times, %+v", 1000-left, p.port.Stats())
		}
		p.Close()
	})
}
