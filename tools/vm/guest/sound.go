//go:build linux

package main

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"chordophone/hal"
	"chordophone/hal/alsa"
)

// The sound cards of this machine are the kernel's loopback: what is played at
// device 0, where the telephone is, is recorded at device 1, and the other way
// round.
const (
	loudness = 8000 // amplitude of what is said
	window   = hal.Rate / 20
)

// mouth says a tone at the microphone of a card until it is told to stop.
type mouth struct {
	stop  atomic.Bool
	ended chan error
}

func speak(card int, hertz float64) (*mouth, error) {
	out, err := alsa.Open(fmt.Sprintf("hw:%d,1", card), alsa.Playback)
	if err != nil {
		return nil, err
	}
	m := &mouth{ended: make(chan error, 1)}
	go func() {
		defer out.Close()
		frame := make([]int16, hal.FrameSamples)
		for n := 0; !m.stop.Load(); {
			for i := range frame {
				frame[i] = int16(loudness * math.Sin(2*math.Pi*hertz*float64(n)/hal.Rate))
				n++
			}
			if err := out.Write(frame); err != nil {
				m.ended <- err
				return
			}
		}
		m.ended <- nil
	}()
	return m, nil
}

// shut ends what is said.
func (m *mouth) shut() error {
	m.stop.Store(true)
	return <-m.ended
}

// ear hears at the earpiece of a card.
type ear struct {
	stop  atomic.Bool
	ended chan struct{}

	mu    sync.Mutex
	heard []int16
}

func listen(card int) (*ear, error) {
	in, err := alsa.Open(fmt.Sprintf("hw:%d,1", card), alsa.Capture)
	if err != nil {
		return nil, err
	}
	e := &ear{ended: make(chan struct{})}
	go func() {
		defer close(e.ended)
		defer in.Close()
		frame := make([]int16, hal.FrameSamples)
		for !e.stop.Load() && in.Read(frame) == nil {
			e.mu.Lock()
			e.heard = append(e.heard, frame...)
			e.mu.Unlock()
		}
	}()
	return e, nil
}

// close ends listening.
func (e *ear) close() {
	e.stop.Store(true)
	<-e.ended
}

// forget forgets what was heard.
func (e *ear) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = nil
}

// hears is the share of the windows of 50 ms since forget in which a tone is as loud
// as it was said, and another is not there.
func (e *ear) hears(hertz, other float64) (share float64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	good, all := 0, 0
	for at := 0; at+window <= len(e.heard); at += window {
		w := e.heard[at : at+window]
		all++
		if a := amplitude(w, hertz); a > 0.7*loudness && a < 1.3*loudness && amplitude(w, other) < 0.1*loudness {
			good++
		}
	}
	return float64(good) / float64(max(all, 1))
}

// level is how loud a tone is in its loudest window since forget, and how many seconds
// there are.
func (e *ear) level(hertz float64) (loudest, seconds float64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for at := 0; at+window <= len(e.heard); at += window {
		loudest = max(loudest, amplitude(e.heard[at:at+window], hertz))
	}
	return loudest, float64(len(e.heard)) / hal.Rate
}

// amplitude is how loud a tone is in a window that holds whole periods of it.
func amplitude(w []int16, hertz float64) float64 {
	var re, im float64
	for i, s := range w {
		sin, cos := math.Sincos(2 * math.Pi * hertz * float64(i) / hal.Rate)
		re += float64(s) * cos
		im += float64(s) * sin
	}
	return 2 * math.Hypot(re, im) / float64(len(w))
}
