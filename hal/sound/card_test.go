package sound

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/hal"
	"chordophone/hal/alsa"
	"chordophone/hal/echo"
	"chordophone/hal/pcm"
)

// cardEnd is an end of a card: a microphone that says one constant at its pace, or an
// earpiece.
type cardEnd struct {
	says  int16
	pacer pcm.Pacer

	mu            sync.Mutex
	written, push int
	played        []int16
	closed        bool
}

func (c *cardEnd) Read(samples []int16) error {
	for i := range samples {
		samples[i] = c.says
	}
	c.pacer.Wait(len(samples))
	return nil
}

func (c *cardEnd) Write(samples []int16) error {
	c.mu.Lock()
	c.written++
	c.played = append(c.played, samples...)
	c.mu.Unlock()
	c.pacer.Wait(len(samples))
	return nil
}

func (c *cardEnd) Push(samples []int16) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.push++
	c.played = append(c.played, samples...)
	return nil
}

func (c *cardEnd) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

// bench makes an audio on cards, and says how often it was urgent and is.
func bench(mic source, ear sink) (a *Audio, hurries, urgent *int) {
	a, hurries, urgent = newAudio(), new(int), new(int)
	a.mic, a.ear = func() source { return mic }, func() sink { return ear }
	a.cards = []part{{}}
	a.hurry = func() (func(), error) {
		*hurries++
		*urgent++
		return func() { *urgent-- }, nil
	}
	return a, hurries, urgent
}

// While tones are played the earpiece's card is the clock; in a call it is that of the
// microphone, and the earpiece does not wait as well.
func TestOneClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mic, ear := new(cardEnd), new(cardEnd)
		a, hurries, urgent := bench(mic, ear)
		s, err := a.Open()
		if err != nil {
			t.Fatal(err)
		}
		s.(*lift).micPaces = true
		frame := make([]int16, hal.FrameSamples)
		begin := time.Now()
		for range 51 {
			s.Write(frame)
		}
		if d := time.Since(begin); ear.written != 51 || ear.push != 0 || d != 50*hal.Frame {
			t.Errorf("tones: %d written, %d pushed in %v", ear.written, ear.push, d)
		}
		begin = time.Now()
		for range 51 {
			s.Read(frame)
			s.Write(frame)
		}
		if d := time.Since(begin); ear.written != 51 || ear.push != 51 || d != 50*hal.Frame {
			t.Errorf("call: %d written, %d pushed in %v", ear.written, ear.push, d)
		}
		begin = time.Now()
		for range 51 {
			s.Write(frame)
		}
		if d := time.Since(begin); ear.written != 102 || ear.push != 51 || d < 50*hal.Frame {
			t.Errorf("tones after it: %d written, %d pushed in %v", ear.written, ear.push, d)
		}
		s.Close()
		s.Close()
		if !mic.closed || !ear.closed || *hurries != 1 || *urgent != 0 {
			t.Errorf("closed %v %v, urgent %d times, %d now", mic.closed, ear.closed, *hurries, *urgent)
		}
	})
}

// A WAV file as earpiece beside a microphone on a card follows the microphone.
func TestMixedClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mic := new(cardEnd)
		a, _, _ := bench(mic, silence{})
		s, _ := a.Open()
		s.(*lift).micPaces = true
		frame := make([]int16, hal.FrameSamples)
		for range 26 {
			s.Write(frame)
		}
		begin := time.Now()
		for range 50 {
			s.Read(frame)
			s.Write(frame)
			time.Sleep(time.Millisecond)
		}
		if d := time.Since(begin); d < 49*hal.Frame || d > 50*hal.Frame {
			t.Errorf("50 frames took %v", d)
		}
		s.Close()
	})
}

// The volume changes what is heard in steps of decibels, and wraps nothing round.
func TestGain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ear := new(cardEnd)
		a, _, _ := bench(silence{}, ear)
		s, _ := a.Open()
		in := []int16{0, 100, -1000, 20000, -32768}
		for _, c := range []struct {
			decibel float64
			want    []int16
		}{
			{0, in},
			{-20, []int16{0, 10, -100, 2002, -3280}}, // in twelve bits
			{9, []int16{0, 282, -2818, 32767, -32768}},
		} {
			a.SetGain(c.decibel)
			ear.played = nil
			if s.Write(in); !slices.Equal(ear.played, c.want) {
				t.Errorf("%+.0f dB: %v, want %v", c.decibel, ear.played, c.want)
			}
		}
		if in[3] != 20000 {
			t.Error("the caller's frame was changed")
		}
		s.Close()
	})
}

// Who speaks hears himself if he is to, and only while he is heard.
func TestSideTone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			decibel float64
			want    int16
		}{{0, 5}, {-20, 105}} {
			ear := new(cardEnd)
			a, _, _ := bench(&cardEnd{says: 1000}, ear)
			a.side = side(c.decibel)
			s, _ := a.Open()
			s.Write([]int16{5})
			frame := make([]int16, hal.FrameSamples)
			s.Read(frame)
			s.Write([]int16{5})
			if !slices.Equal(ear.played, []int16{5, c.want}) {
				t.Errorf("%.0f dB: %v, want 5 and %d", c.decibel, ear.played, c.want)
			}
			s.Close()
		}
	})
}

// What a loudspeaker plays is taken out of what the microphone beside it hears.
func TestSpeaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ear, mic := new(cardEnd), new(parrot)
		mic.of = ear
		a, _, _ := bench(mic, ear)
		a.line = echo.NewLine(echoTail)
		s, _ := a.Open()
		frame, n := make([]int16, hal.FrameSamples), 0
		before, after := 0.0, 0.0
		for i := range 300 {
			s.Read(frame)
			for k, v := range frame {
				if i >= 200 {
					before += float64(mic.heard[k]) * float64(mic.heard[k])
					after += float64(v) * float64(v)
				}
				frame[k] = int16(3000*math.Sin(float64(n)*0.11) + 3000*math.Sin(float64(n*n%70001)))
				n++
			}
			s.Write(frame)
		}
		if erle := 10 * math.Log10(before/(after+1)); before == 0 || erle < 20 {
			t.Errorf("the echo is %.1f dB quieter", erle)
		}
		s.Close()
	})
}

// parrot is a microphone that hears an earpiece.
type parrot struct {
	of    *cardEnd
	at    int
	heard [hal.FrameSamples]int16
}

func (p *parrot) Read(samples []int16) error {
	clear(samples)
	if p.at+len(samples)+100 <= len(p.of.played) {
		copy(samples, p.of.played[p.at:])
		p.at += len(samples)
	}
	copy(p.heard[:], samples)
	return nil
}

func (p *parrot) Close() error { return nil }

// plug is a port whose card a test plugs in and out.
type plug struct {
	mu     sync.Mutex
	err    error
	mixer  func(c alsa.Control, decibel float64) (rest float64, err error) // nil: it bears all
	volume []float64                                                       // that were asked for
	stats  alsa.Stats
}

func (p *plug) Stats() alsa.Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

func (p *plug) Trouble() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *plug) SetLoudness(c alsa.Control, decibel float64) (rest float64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return decibel, p.err
	}
	p.volume = append(p.volume, decibel)
	if p.mixer != nil {
		return p.mixer(c, decibel)
	}
	return 0, nil
}

func (p *plug) is(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil && err != nil {
		p.stats.Losses++
	}
	p.err = err
}

func (p *plug) volumes() []float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.volume)
}

// What is wrong with the cards is told when it changes, once, with what to do; a card
// that comes is set to its volume.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := fmt.Errorf("%w: hw:Device for capture", alsa.ErrNoDevice)
		mic, ear := &plug{err: gone}, &plug{err: gone}
		a := newAudio()
		a.cards = []part{{name: microphone, port: mic}, {name: earpiece, port: ear}}
		a.volume.driven = true
		a.SetGain(-6)
		ctx, stop := context.WithCancel(t.Context())
		var told []hal.Fault
		var log strings.Builder
		done := make(chan struct{})
		go func() {
			defer close(done)
			a.Watch(ctx, slog.New(slog.NewTextHandler(&log, nil)), func(f hal.Fault) { told = append(told, f) })
		}()
		wait(time.Minute)
		if len(told) != 1 || told[0].Message != "no sound: microphone: "+gone.Error()+"; earpiece: "+gone.Error() ||
			!strings.Contains(told[0].Hint, "connect the sound card") || len(ear.volumes()) != 0 {
			t.Errorf("absent at start: %v, volume %v", told, ear.volumes())
		}
		mic.is(nil)
		ear.is(nil)
		wait(3 * time.Second)
		if !strings.Contains(log.String(), "the sound is back") || !slices.Equal(ear.volumes(), []float64{-6}) || len(mic.volumes()) != 0 {
			t.Errorf("it came: %s, volume %v and %v", &log, ear.volumes(), mic.volumes())
		}
		mic.is(errors.New("moves no sound"))
		wait(time.Minute)
		if len(told) != 2 || told[1].Message != "no sound: microphone: moves no sound" || !strings.Contains(told[1].Hint, "unplug") {
			t.Errorf("it went: %v", told)
		}
		mic.is(nil)
		wait(time.Minute)
		if len(told) != 2 || !slices.Equal(ear.volumes(), []float64{-6, -6, -6}) {
			t.Errorf("it came back: %v, %v", told, ear.volumes())
		}
		stop()
		<-done
		if n := strings.Count(log.String(), "part=microphone xruns=0 losses=1"); n != 1 || strings.Contains(log.String(), "part=earpiece") {
			t.Errorf("losses were counted %d times: %s", n, &log)
		}
	})
}

// wait lets time pass, and all that happens in it.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// A board's card need not be there: the telephone has silence until it is.
func TestOpenCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := OpenCard(Card{Capture: "hw:31,31", Playback: "hw:31,31", Speaker: true, SideTone: -20})
		if err != nil || a.line == nil || math.Abs(a.side-0.1) > 1e-9 {
			t.Fatalf("%+v, %v", a, err)
		}
		if err := a.trouble(); !errors.Is(err, alsa.ErrNoDevice) {
			t.Error(err)
		}
		begin := time.Now()
		loop(t, a, 51)
		if d := time.Since(begin); d != 51*hal.Frame && d != 50*hal.Frame {
			t.Errorf("51 frames took %v", d)
		}
	})
	if _, err := OpenCard(Card{Capture: "hw:1", Playback: "pulse"}); err == nil || !strings.HasPrefix(err.Error(), "earpiece: ") {
		t.Error(err)
	}
}
