package sound

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/hal"
	"chordophone/hal/pcm"
	"chordophone/hal/wav"
)

func ramp(n int) []int16 {
	s := make([]int16, n)
	for i := range s {
		s[i] = int16(i + 1)
	}
	return s
}

// loop plays what the microphone hears for some frames, as an echo would.
func loop(t *testing.T, a *Audio, frames int) {
	t.Helper()
	s, err := a.Open()
	if err != nil {
		t.Fatal(err)
	}
	frame := make([]int16, hal.FrameSamples)
	for range frames {
		if err := errors.Join(s.Read(frame), s.Write(frame)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// The microphone's file is played from its beginning in every lift and followed by
// silence; the earpiece's has one lift after the other; all in real time.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	mic, ear := filepath.Join(dir, "mic.wav"), filepath.Join(dir, "ear.wav")
	speech := ramp(2*hal.FrameSamples + 80)
	if err := wav.WriteFile(mic, hal.Rate, speech); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		a, err := Open(mic, ear)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		loop(t, a, 5)
		if d := time.Since(start); d != 4*hal.Frame {
			t.Errorf("5 frames took %v", d)
		}
		lift := slices.Concat(speech, make([]int16, 5*hal.FrameSamples-len(speech)))
		if s, err := wav.ReadFile(ear); err != nil || !slices.Equal(s.PCM, lift) {
			t.Errorf("after one lift: %d samples, %v", len(s.PCM), err)
		}
		loop(t, a, 5)
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if s, err := wav.ReadFile(ear); err != nil || s.Rate != hal.Rate || !slices.Equal(s.PCM, slices.Concat(lift, lift)) {
			t.Errorf("after two lifts: %d samples, %v", len(s.PCM), err)
		}
	})
}

// While only tones are played the microphone's file waits.
func TestFilePlaysFromFirstRead(t *testing.T) {
	mic := filepath.Join(t.TempDir(), "mic.wav")
	if err := wav.WriteFile(mic, hal.Rate, ramp(hal.FrameSamples)); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		a, err := Open(mic, "none")
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		s, _ := a.Open()
		defer s.Close()
		frame := make([]int16, hal.FrameSamples)
		for range 50 {
			s.Write(frame)
		}
		if s.Read(frame); frame[0] != 1 {
			t.Error("the beginning was lost")
		}
	})
}

func TestOneStream(t *testing.T) {
	a, err := Open("none", "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := a.Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Open(); !errors.Is(err, ErrInUse) {
		t.Errorf("second stream: %v", err)
	}
	s.Close()
	s.Close()
	if s, err = a.Open(); err != nil {
		t.Errorf("after Close: %v", err)
	}
	s.Close()
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	os.WriteFile(text, []byte("Ring Alice, then Bob.\n"), 0o644)
	good := filepath.Join(dir, "good.wav")
	wav.WriteFile(good, 16000, ramp(10))
	for _, c := range []struct{ mic, ear, want string }{
		{filepath.Join(dir, "no.wav"), "", "microphone: open "},
		{filepath.Join(dir, "no.wav"), "", hint},
		{text, "", "not a WAV file (" + hint},
		{"", text, "earpiece: " + text + " exists and is not a WAV file"},
		{"", filepath.Join(dir, "no", "ear.wav"), "no such file or directory"},
		{good, good, "would be overwritten"},
		{"alsa:hw:31,0", "", "microphone: no such sound device: hw:31,0 for capture"},
		{"", "alsa:pulse", "hw:CARD,DEVICE"},
		{"unix:" + filepath.Join(dir, "no", "s"), "", "the folder of socket"},
	} {
		if _, err := Open(c.mic, c.ear); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open(%q, %q): %v\nwant ... %s", c.mic, c.ear, err, c.want)
		}
	}
	if s, err := wav.ReadFile(good); err != nil || len(s.PCM) != 10 {
		t.Errorf("the microphone's file was damaged: %v", err)
	}
}

// The room holds the newest 40 ms and gives whole frames or silence.
func TestRoom(t *testing.T) {
	r := room{taken: time.Now()}
	frame := make([]int16, hal.FrameSamples)
	r.put(pcm.AppendS16LE(nil, ramp(1000)))
	for i := range freshness / len(frame) {
		if r.take(frame); frame[0] != int16(1000-640+len(frame)*i+1) {
			t.Errorf("frame %d begins with %d", i, frame[0])
		}
	}
	r.put(pcm.AppendS16LE(nil, ramp(len(frame)-20)))
	if r.take(frame); slices.Max(frame) != 0 {
		t.Error("part of a frame was given")
	}
	r.put(pcm.AppendS16LE(nil, ramp(20)))
	if r.take(frame); frame[0] != 1 || frame[len(frame)-1] != 20 {
		t.Errorf("the part was lost: %d", frame[0])
	}
}

// What was said before anybody listened is not heard late, and what lies in the air at each
// take is taken out of it, without a click.
func TestRoomForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r room
		frame := make([]int16, hal.FrameSamples)
		r.put(pcm.AppendS16LE(nil, ramp(640)))
		if r.take(frame); frame[0] != int16(640-len(frame)+1) || len(r.samples) != 0 {
			t.Errorf("the first frame begins with %d, %d samples stay", frame[0], len(r.samples))
		}
		r.put(pcm.AppendS16LE(nil, make([]int16, hal.FrameSamples-20))) // a late chunk, and so all that follow
		var last, step int16
		for i := range 2 * patience {
			word := make([]int16, hal.FrameSamples)
			for j := range word { // a slow triangle
				word[j] = int16(abs((i*hal.FrameSamples+j)%2000-1000) * 3)
			}
			r.put(pcm.AppendS16LE(nil, word))
			r.take(frame)
			for _, s := range frame {
				if i > 1 {
					step = max(step, s-last, last-s)
				}
				last = s
			}
			time.Sleep(hal.Frame)
		}
		if len(r.samples) > 80 || step > 40 {
			t.Errorf("%d samples stay in the air, a step of %d", len(r.samples), step)
		}
	})
}

func abs(x int) int { return max(x, -x) }

func listen(t *testing.T, path string) net.Listener {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	l.(*net.UnixListener).SetDeadline(time.Now().Add(5 * time.Second))
	return l
}

func accept(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(5 * time.Second))
	return c
}

// A peer on a socket hears what it says through the handset's echo, after a
// reconnection too; a sample cut in two by the stream stays whole.
func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	a, err := Open("unix:"+path, "unix:"+path) // before anybody listens
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t, path)

	stop, done := make(chan struct{}), make(chan struct{})
	defer func() { close(stop); <-done; a.Close() }()
	go func() {
		defer close(done)
		s, err := a.Open()
		if err != nil {
			t.Error(err)
			return
		}
		defer s.Close()
		frame := make([]int16, hal.FrameSamples)
		for {
			select {
			case <-stop:
				return
			default:
				s.Read(frame)
				s.Write(frame)
			}
		}
	}()

	for try := range 2 {
		c := accept(t, l)
		word := slices.Repeat([]int16{1234}, hal.FrameSamples)
		b := pcm.AppendS16LE(nil, word)
		c.Write(b[:101])
		c.Write(b[101:])
		if !hears(t, c, word) {
			t.Errorf("connection %d: the word did not come back", try)
		}
		c.Close()
	}
}

// hears reads until word came in one piece.
func hears(t *testing.T, c io.Reader, word []int16) bool {
	r := bufio.NewReader(c)
	b := make([]byte, 2)
	for run := 0; run < len(word); {
		if _, err := io.ReadFull(r, b); err != nil {
			t.Log(err)
			return false
		}
		if pcm.ParseS16LE(nil, b)[0] == word[0] {
			run++
		} else {
			run = 0
		}
	}
	return true
}

// A peer that does not listen slows nothing down.
func TestSocketSlow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l := listen(t, path)
	a, err := Open("", "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	accept(t, l)
	ear := a.ear()
	frame := make([]int16, hal.FrameSamples)
	start := time.Now()
	for range 5000 {
		ear.Write(frame)
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("5000 frames took %v", d)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// Microphone and earpiece of one path share a connection.
func TestSocketShared(t *testing.T) {
	spec := "unix:" + filepath.Join(t.TempDir(), "s")
	a, err := Open(spec, spec)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if len(a.owned) != 1 {
		t.Errorf("%d connections", len(a.owned))
	}
}
