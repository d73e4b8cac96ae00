package alsa

import (
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"chordophone/hal"
)

// tone is what a card of that rate hears: a tone.
func tone(rate int, hertz float64) func(int) float64 {
	return func(n int) float64 { return 0.3 * math.Sin(2*math.Pi*hertz*float64(n)/float64(rate)) }
}

// second is one of sound, in frames.
const second = int(time.Second / hal.Frame)

func newCard(rate, channels int) *card {
	return &card{id: "Device", number: 1, rate: rate, channels: channels, capture: tone(rate, 1000)}
}

func open(t *testing.T, c *card, dir Direction) (*PCM, *machine) {
	t.Helper()
	m := &machine{cards: []*card{c}}
	p, err := newPort("hw:Device,0", dir, m)
	if err != nil {
		t.Fatal(err)
	}
	return p.Open(), m
}

// The best form that a card has is taken, and what it granted is read back.
func TestForms(t *testing.T) {
	for _, c := range []struct {
		card           *card
		asked          int // questions until it agreed
		period, buffer int
	}{
		{newCard(16000, 1), 1, 80, 1920},
		{newCard(16000, 2), 3, 80, 1920},
		{newCard(48000, 2), 7, 240, 5760},
		{&card{id: "Device", rate: 44100, channels: 2, loose: true}, 12, 1024, 8192},
	} {
		p, _ := open(t, c.card, Playback)
		if p.Rate() != c.card.rate || p.Channels() != c.card.channels || len(c.card.forms) != c.asked {
			t.Errorf("%d Hz, %d channels after %v", p.Rate(), p.Channels(), c.card.forms)
		}
		if p.form.period != c.period || p.form.buffer != c.buffer {
			t.Errorf("%d Hz: period %d, buffer %d", p.Rate(), p.form.period, p.form.buffer)
		}
		p.Close()
	}
	p, m := open(t, &card{id: "Device", rate: 22050, channels: 6}, Capture)
	if err := p.port.Trouble(); err == nil || !strings.Contains(err.Error(), "no 16-bit form") || len(m.fds) != 0 {
		t.Errorf("a card with nothing in common: %v, %d left open", err, len(m.fds))
	}
}

// call reads, works for a while and plays, as in a call, and returns what was read.
func call(mic, ear *PCM, frames int, work func(n int) time.Duration) (heard []int16) {
	frame := make([]int16, hal.FrameSamples)
	for n := range frames {
		mic.Read(frame)
		heard = append(heard, frame...)
		time.Sleep(work(n))
		ear.Push(frame)
	}
	return heard
}

func quick(int) time.Duration { return time.Millisecond }

// handset opens both directions of one card.
func handset(t *testing.T, c *card) (mic, ear *PCM) {
	t.Helper()
	mic, m := open(t, c, Capture)
	p, err := newPort("hw:Device", Playback, m)
	if err != nil {
		t.Fatal(err)
	}
	return mic, p.Open()
}

// In a call some 10 ms wait in the card when a frame comes, also after the tones before
// it, and nothing is lost.
func TestLatency(t *testing.T) {
	for _, c := range []*card{newCard(16000, 1), newCard(48000, 2), newCard(44100, 2)} {
		synctest.Test(t, func(t *testing.T) {
			mic, ear := handset(t, c)
			begin := time.Now()
			for range 2 * second { // a dial tone
				ear.Write(make([]int16, hal.FrameSamples))
			}
			if d := time.Since(begin); d < 1970*time.Millisecond || d > 2*time.Second {
				t.Errorf("%d Hz: two seconds took %v", c.rate, d)
			}
			before := len(c.queued)
			c.reads = 0
			call(mic, ear, 10*second, quick)
			if c.xruns != 0 {
				t.Errorf("%d Hz: %d xruns", c.rate, c.xruns)
			}
			if c.reads > 3*10*second {
				t.Errorf("%d Hz: %d reads for %d frames: it wakes too often", c.rate, c.reads, 10*second)
			}
			ms := func(n int) float64 { return float64(n) * 1000 / float64(c.rate) }
			low, high := slices.Min(c.queued[before:]), slices.Max(c.queued[before:])
			t.Logf("%d Hz: %.1f to %.1f ms in hand", c.rate, ms(low), ms(high))
			if ms(low) < 2 || ms(high) > 15.1 {
				t.Errorf("%d Hz: %.1f to %.1f ms in hand before a frame, want about 10", c.rate, ms(low), ms(high))
			}
			mic.Close()
			ear.Close()
		})
	}
}

// Short transfers, and those that are tried again, lose and double nothing.
func TestShortTransfers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCard(16000, 2)
		c.short = 37
		c.capture = tone(16000, 1037) // no two frames of it are the same
		c.fail = map[uintptr][]error{
			ioctlReadi:  {nil, unix.EAGAIN, nil, unix.EAGAIN, unix.EAGAIN},
			ioctlWritei: {nil, nil, unix.EAGAIN},
		}
		mic, ear := handset(t, c)
		heard := call(mic, ear, 20, quick)
		mic.Close()
		time.Sleep(100 * time.Millisecond)
		ear.Close()
		for i, s := range heard {
			if want := int16(32767 * c.capture(i)); s != want {
				t.Fatalf("sample %d heard as %d, want %d", i, s, want)
			}
		}
		played := c.played[slices.IndexFunc(c.played, func(s int16) bool { return s != 0 })-1:]
		if n := min(len(played), len(heard)); n < len(heard)-100 || !slices.Equal(played[:n], heard[:n]) {
			t.Errorf("of %d samples %d were played, or changed", len(heard), n)
		}
		if x := mic.port.Stats().Xruns + ear.port.Stats().Xruns; x != 0 {
			t.Errorf("%d xruns", x)
		}
	})
}

// A card at 48 kHz stereo is heard at 16 kHz mono.
func TestConversion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mic, ear := handset(t, newCard(48000, 2))
		got := call(mic, ear, 20, quick)
		mic.Close()
		ear.Close()
		for i := 640; i < len(got)-16; i++ { // 1 kHz at 16 kHz repeats every 16 samples
			if d := int(got[i]) - int(got[i+16]); d < -3 || d > 3 {
				t.Fatalf("sample %d: %d and %d", i, got[i], got[i+16])
			}
		}
		if m := slices.Max(got[640:]); m < 9700 || m > 9900 {
			t.Errorf("the tone is %d high", m)
		}
	})
}

// Microphone and earpiece on two cards whose clocks differ by 400 ppm: in three minutes no
// xrun, no longer delay, and no click.
func TestTwoClocks(t *testing.T) {
	for _, sign := range []float64{1, -1} {
		synctest.Test(t, func(t *testing.T) {
			in, out := newCard(16000, 1), newCard(16000, 1)
			in.capture = tone(16000, 207)
			in.ppm, out.ppm = 200*sign, -200*sign
			mic, _ := open(t, in, Capture)
			ear, _ := open(t, out, Playback)
			call(mic, ear, 180*second, quick)
			mic.Close()
			ear.Close()
			if in.xruns+out.xruns != 0 {
				t.Errorf("%+.0f ppm: %d and %d xruns", 2*in.ppm, in.xruns, out.xruns)
			}
			if low, high := slices.Min(out.queued[100:]), slices.Max(out.queued[100:]); low < 3*millisecond || high > 18*millisecond {
				t.Errorf("%+.0f ppm: %d to %d samples in hand", 2*in.ppm, low, high)
			}
			// The curvature of a tone of 207 Hz is 65 at most.
			bend := 0
			for i := 1000; i < len(out.played)-1; i++ {
				bend = max(bend, abs(int(out.played[i+1])-2*int(out.played[i])+int(out.played[i-1])))
			}
			if bend > 75 {
				t.Errorf("%+.0f ppm: a bend of %d", 2*in.ppm, bend)
			}
		})
	}
}

func abs(x int) int { return max(x, -x) }

// A telephone that is late again and again keeps more in hand until that suffices, and
// less when it is punctual for long.
func TestXrunsTeach(t *testing.T) {
	for _, every := range []int{second, 5 * second} {
		synctest.Test(t, func(t *testing.T) {
			c := newCard(16000, 1)
			mic, ear := handset(t, c)
			late := func(n int) time.Duration {
				if n%every == every-1 {
					return 18 * time.Millisecond
				}
				return time.Millisecond
			}
			call(mic, ear, 30*second, late)
			first := c.xruns
			call(mic, ear, 60*second, late)
			if first == 0 || first > 4 || c.xruns != first {
				t.Errorf("late every %d frames: %d xruns at first, %d later", every, first, c.xruns-first)
			}
			if got := ear.port.Stats().Xruns; got != int64(c.xruns) {
				t.Errorf("late every %d frames: %d xruns counted, %d were", every, got, c.xruns)
			}
			call(mic, ear, 120*second, quick)
			if last := c.queued[len(c.queued)-1]; ear.port.level.goal >= goalFirst || last > goalFirst+slack {
				t.Errorf("late every %d frames: after two punctual minutes %d samples in hand, the goal %d", every, last, ear.port.level.goal)
			}
			if c.xruns != first {
				t.Error("an xrun while punctual")
			}
			mic.Close()
			ear.Close()
		})
	}
}

// A telephone that stalls for long is as quick as before when it is back.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCard(16000, 1)
		mic, ear := handset(t, c)
		call(mic, ear, 500, func(n int) time.Duration {
			if n == 100 {
				return 90 * time.Millisecond
			}
			return time.Millisecond
		})
		goal := ear.port.level.goal
		if high := slices.Max(c.queued[400:]); high > goal+6*millisecond {
			t.Errorf("%d samples in hand after a stall, want %d", high, goal)
		}
		if waits := mic.port.sys.(*machine).fds[mic.fd].avail(); waits > 6*millisecond {
			t.Errorf("%d samples wait in the microphone after a stall", waits)
		}
		if goal > goalFirst {
			t.Errorf("a stall that nothing could bridge taught a goal of %d", goal)
		}
		mic.Close()
		ear.Close()
	})
}

// A call takes no memory with each frame.
func TestNoGarbage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCard(48000, 2)
		mic, ear := handset(t, c)
		call(mic, ear, 100, quick)
		c.played, c.queued = make([]int16, 0, 1<<20), make([]int, 0, 1<<16)
		frame := make([]int16, hal.FrameSamples)
		if n := testing.AllocsPerRun(200, func() { mic.Read(frame); ear.Push(frame) }); n != 0 {
			t.Errorf("%v allocations a frame", n)
		}
		mic.Close()
		ear.Close()
	})
}
