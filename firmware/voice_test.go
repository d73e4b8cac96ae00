package firmware

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/firmware/config"
	"chordophone/firmware/tone"
	"chordophone/hal"
	"chordophone/hal/haltest"
)

// perSecond is how many frames a second of sound has.
const perSecond = int(time.Second / hal.Frame)

// colleague is a call whose far end says one constant and counts frames.
type colleague struct {
	says int16

	mu    sync.Mutex
	heard []int16
	plays int
}

func (c *colleague) Capture(pcm []int16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = append(c.heard, pcm...)
}

// frames is how many were played.
func (c *colleague) frames() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.plays
}

func (c *colleague) Playout(pcm []int16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plays++
	for i := range pcm {
		pcm[i] = c.says
	}
}

// lifted runs a voice in a bubble.
func lifted(t *testing.T, test func(v *voice, audio *haltest.Audio)) {
	synctest.Test(t, func(t *testing.T) {
		tones, err := tone.New("eu", hal.Rate)
		if err != nil {
			t.Fatal(err)
		}
		audio := haltest.NewAudio()
		v := newVoice(audio, tones, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- v.run(ctx) }()
		test(v, audio)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, open := audio.Opens(); open != 0 {
			t.Error("the device was left open")
		}
	})
}

// The device is open only while the handset is off its hook.
func TestDeviceSleepsOnHook(t *testing.T) {
	lifted(t, func(v *voice, audio *haltest.Audio) {
		time.Sleep(time.Second)
		if ever, _ := audio.Opens(); ever != 0 {
			t.Error("opened before anybody lifted the handset")
		}
		v.set(earpiece{open: true, tone: hal.DialTone})
		time.Sleep(time.Second)
		v.set(earpiece{})
		time.Sleep(time.Second)
		heard := audio.Heard()
		if seconds := float64(len(heard)) / hal.Rate; seconds < 0.9 || seconds > 1.1 {
			t.Errorf("%.2f s of dial tone in one second", seconds)
		}
		if slices.Max(heard) < 3000 {
			t.Error("dial tone is not to be heard")
		}
		if _, open := audio.Opens(); open != 0 {
			t.Error("still open with the handset back")
		}
	})
}

// In a call sound flows both ways at the pace of the device; before it the
// microphone is not read.
func TestCallIsHeard(t *testing.T) {
	lifted(t, func(v *voice, audio *haltest.Audio) {
		audio.Say([]int16{7, 8, 9})
		v.set(earpiece{open: true, tone: hal.Ringback})
		time.Sleep(500 * time.Millisecond)
		audio.Heard()
		far := &colleague{says: 1234}
		v.set(earpiece{open: true, call: far})
		time.Sleep(time.Second)
		v.set(earpiece{})
		time.Sleep(100 * time.Millisecond)
		far.mu.Lock()
		defer far.mu.Unlock()
		if far.plays < perSecond-2 || far.plays > perSecond+3 {
			t.Errorf("%d frames in one second, want %d", far.plays, perSecond)
		}
		if !slices.Equal(far.heard[:4], []int16{7, 8, 9, 0}) {
			t.Errorf("what was said first arrives as %v", far.heard[:4])
		}
		heard := audio.Heard()
		if got := heard[len(heard)-1]; got != 1234 {
			t.Errorf("the far end says 1234, the earpiece plays %d", got)
		}
	})
}

// Of three each hears the other two.
func TestConference(t *testing.T) {
	lifted(t, func(v *voice, audio *haltest.Audio) {
		mic := make([]int16, 2*hal.Rate)
		for i := range mic {
			mic[i] = 1
		}
		audio.Say(mic)
		ada, bob := &colleague{says: 10}, &colleague{says: 100}
		v.set(earpiece{open: true, call: ada, with: bob})
		time.Sleep(500 * time.Millisecond)
		v.set(earpiece{open: true, call: ada})
		time.Sleep(500 * time.Millisecond)
		v.set(earpiece{})
		time.Sleep(100 * time.Millisecond)
		heard := audio.Heard()
		if heard[0] != 110 || heard[len(heard)-1] != 10 {
			t.Errorf("the telephone hears %d, then of one alone %d", heard[0], heard[len(heard)-1])
		}
		if ada.heard[0] != 101 || ada.heard[len(ada.heard)-1] != 1 || bob.heard[0] != 11 {
			t.Errorf("one hears %d, then %d, the other %d", ada.heard[0], ada.heard[len(ada.heard)-1], bob.heard[0])
		}
		if a, b := ada.frames(), bob.frames(); a < perSecond-2 || a > perSecond+3 || b < perSecond/2-2 || b > perSecond/2+3 || len(ada.heard) != a*hal.FrameSamples || len(bob.heard) != b*hal.FrameSamples {
			t.Errorf("%d and %d frames in a second and half of one, %d and %d samples", a, b, len(ada.heard), len(bob.heard))
		}
	})
}

// A device that fails does not end the call: it goes on in silence, and the next
// lift finds the device healed.
func TestDeviceFails(t *testing.T) {
	lifted(t, func(v *voice, audio *haltest.Audio) {
		far := &colleague{}
		v.set(earpiece{open: true, call: far})
		time.Sleep(time.Second)
		audio.Fail(errors.New("unplugged"))
		before := far.frames()
		time.Sleep(time.Second)
		if frames := far.frames() - before; frames < perSecond-2 || frames > perSecond+2 {
			t.Errorf("%d frames in the second after the device failed, want %d", frames, perSecond)
		}
		audio.Fail(nil)
		v.set(earpiece{})
		time.Sleep(100 * time.Millisecond)
		v.set(earpiece{open: true, tone: hal.DialTone})
		time.Sleep(time.Second)
		if heard := audio.Heard(); len(heard) == 0 || slices.Max(heard) < 3000 {
			t.Error("no dial tone after the device came back")
		}
		v.set(earpiece{})
		time.Sleep(100 * time.Millisecond)
	})
}

func TestMix(t *testing.T) {
	a := []int16{1, 30000, -30000}
	mix(a, []int16{2, 30000, -30000})
	if !slices.Equal(a, []int16{3, 32767, -32768}) {
		t.Errorf("mixed to %v", a)
	}
}

// Everybody is asked for packets of the length that is set, and our own telephones for each
// of them twice.
func TestPacketTimeOffered(t *testing.T) {
	for _, c := range []struct {
		client bool
		ms     uint16
		want   []string
	}{
		{false, 10, []string{"a=ptime:10\r\n", "RTP/SAVP 121 "}},
		{true, 10, []string{"a=ptime:10\r\n", "RTP/AVP 9 "}},
		{false, 20, []string{"a=ptime:20\r\n"}},
	} {
		a := &appliance{cfg: config.Run{PacketTime: c.ms}, log: slog.New(slog.DiscardHandler)}
		m, err := a.newMedia(netip.MustParseAddr("127.0.44.10"), c.client)
		if err != nil {
			t.Fatal(err)
		}
		offer, err := m.Offer()
		m.Close()
		for _, want := range c.want {
			if err != nil || !strings.Contains(string(offer), want) {
				t.Errorf("client %t: %v, no %q in\n%s", c.client, err, want, offer)
			}
		}
	}
}

// A conference takes no memory with each frame.
func BenchmarkConference(b *testing.B) {
	v := newVoice(nil, nil, slog.New(slog.DiscardHandler))
	e := earpiece{open: true, call: mute{}, with: mute{}}
	var mic, ear [hal.FrameSamples]int16
	b.ReportAllocs()
	for b.Loop() {
		v.exchange(e, mic[:], ear[:])
	}
}

// mute is a call that says nothing.
type mute struct{}

func (mute) Capture([]int16)     {}
func (mute) Playout(pcm []int16) { clear(pcm) }
