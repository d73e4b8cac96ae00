package alsa

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"chordophone/hal"
)

// A card that is unplugged in a call leaves silence in real time.
func TestUnplugged(t *testing.T) {
	for _, dir := range []Direction{Capture, Playback} {
		// The descriptor of something that is no sound card stands for one that
		// answers nothing any more.
		fd, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			p := &PCM{name: "hw:31,31", dir: dir, fd: fd, call: ioctl}
			p.form(hal.Rate, 1)
			start := time.Now()
			for range 101 {
				samples := slices.Repeat([]int16{7}, hal.FrameSamples)
				if dir == Capture {
					err = p.Read(samples)
				} else {
					err = p.Write(samples)
				}
				if err != nil {
					t.Fatal(err)
				}
				if dir == Capture && slices.ContainsFunc(samples, func(s int16) bool { return s != 0 }) {
					t.Fatal("a card that is gone is heard")
				}
			}
			// A playback discovers the loss in its first frame, which is not paced.
			if d := time.Since(start); d < 1980*time.Millisecond || d > 2*time.Second {
				t.Errorf("%v: 101 frames took %v", dir, d)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// fake is a card that has one form of sound, moves few frames at a time and fails
// as told.
type fake struct {
	rate, channels uint32
	loose          bool    // it grants no short buffer
	fail           []error // what the next transfers meet

	asked    []string
	prepared int
	sw       swParams
	played   []int16
	captured int // frames
}

func (f *fake) call(_ int, request uintptr, arg unsafe.Pointer) error {
	switch request {
	case ioctlHWParams:
		hw := (*hwParams)(arg)
		rate, channels := hw.intervals[paramRate].min, hw.intervals[paramChannels].min
		bounded := hw.intervals[paramBufferSize].max != math.MaxUint32
		f.asked = append(f.asked, fmt.Sprintf("%d/%d", rate, channels))
		if rate != f.rate || channels != f.channels || bounded && f.loose {
			return unix.EINVAL
		}
		if !bounded {
			hw.intervals[paramBufferSize].max = 4096
		}
		hw.intervals[paramBufferSize].min = hw.intervals[paramBufferSize].max
	case ioctlSWParams:
		f.sw = *(*swParams)(arg)
	case ioctlPrepare:
		f.prepared++
	case ioctlWritei, ioctlReadi:
		if len(f.fail) > 0 {
			err := f.fail[0]
			f.fail = f.fail[1:]
			if err != nil {
				return err
			}
		}
		x := (*xferi)(arg)
		n := min(int(x.frames), 100)
		buf := unsafe.Slice((*int16)(x.buf), n*int(f.channels))
		if request == ioctlWritei {
			f.played = append(f.played, buf...)
		} else {
			for i := range buf {
				t := float64(f.captured+i/int(f.channels)) / float64(f.rate)
				buf[i] = int16(10000 * math.Sin(2*math.Pi*1000*t))
			}
			f.captured += n
		}
		x.result = n
	}
	return nil
}

func plug(t *testing.T, f *fake, dir Direction) *PCM {
	t.Helper()
	p := &PCM{name: "fake", dir: dir, fd: -1, call: f.call}
	if err := p.configure(-1); err != nil {
		t.Fatal(err)
	}
	p.fd = math.MaxInt32
	return p
}

// The best form that a card has is taken, and what it granted is read back.
func TestConfigure(t *testing.T) {
	for _, c := range []struct {
		card  fake
		asked int // questions until it agreed
		start uintptr
		stop  uintptr
	}{
		{fake{rate: 16000, channels: 1}, 1, 640, 960},
		{fake{rate: 16000, channels: 2}, 3, 640, 960},
		{fake{rate: 48000, channels: 2}, 7, 1920, 2880},
		{fake{rate: 44100, channels: 2, loose: true}, 12, 1764, 4096},
	} {
		p := plug(t, &c.card, Playback)
		if p.Rate() != int(c.card.rate) || p.Channels() != int(c.card.channels) || len(c.card.asked) != c.asked {
			t.Errorf("%d Hz, %d channels after %v", p.Rate(), p.Channels(), c.card.asked)
		}
		if c.card.sw.startThreshold != c.start || c.card.sw.stopThreshold != c.stop || c.card.prepared != 1 {
			t.Errorf("%d Hz: start %d, stop %d, prepared %d", p.Rate(), c.card.sw.startThreshold, c.card.sw.stopThreshold, c.card.prepared)
		}
	}
	p := &PCM{dir: Capture, call: (&fake{rate: 22050, channels: 6}).call}
	if err := p.configure(-1); err == nil {
		t.Error("a card with nothing in common is accepted")
	}
}

// A transfer that is cut short by a signal, tried again, or met by an xrun loses
// and doubles nothing.
func TestPlay(t *testing.T) {
	f := &fake{rate: 16000, channels: 2, fail: []error{nil, unix.EAGAIN, unix.EPIPE, nil, unix.ESTRPIPE}}
	p := plug(t, f, Playback)
	var want []int16
	frame := make([]int16, hal.FrameSamples)
	for n := range 5 {
		for i := range frame {
			frame[i] = int16(n*1000 + i)
			want = append(want, frame[i], frame[i])
		}
		if err := p.Write(frame); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(f.played, want) {
		t.Errorf("%d samples were played, want %d", len(f.played), len(want))
	}
	if p.Xruns() != 1 || f.prepared != 3 {
		t.Errorf("%d xruns, prepared %d times", p.Xruns(), f.prepared)
	}
}

// A card at 48 kHz stereo is heard at 16 kHz mono, frame for frame.
func TestCapture(t *testing.T) {
	f := &fake{rate: 48000, channels: 2}
	p := plug(t, f, Capture)
	var got []int16
	frame := make([]int16, hal.FrameSamples)
	for n := range 10 {
		if err := p.Read(frame); err != nil {
			t.Fatal(err)
		}
		got = append(got, frame...)
		if f.captured != (n+1)*960 {
			t.Errorf("frame %d took %d frames of the card", n, f.captured)
		}
	}
	// 1 kHz at 16 kHz repeats every 16 samples.
	for i := 320; i < len(got)-16; i++ {
		if d := int(got[i]) - int(got[i+16]); d < -2 || d > 2 {
			t.Fatalf("sample %d: %d and %d", i, got[i], got[i+16])
		}
	}
	if m := slices.Max(got[320:]); m < 9800 || m > 10100 {
		t.Errorf("the tone is %d high", m)
	}
}

// A card that moves nothing is given up instead of waited for.
func TestStuck(t *testing.T) {
	f := &fake{rate: 16000, channels: 1, fail: slices.Repeat([]error{unix.EPIPE}, 1000)}
	p := plug(t, f, Playback)
	if err := p.transfer(ioctlWritei, make([]int16, 320)); err == nil || f.prepared > 20 {
		t.Errorf("%v after %d xruns", err, p.Xruns())
	}
}
