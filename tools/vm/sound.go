package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"chordophone/hal/wav"
)

const (
	cardRate = 48000 // of QEMU's USB sound card
	loudness = 8000  // amplitude of what is said
	window   = cardRate / 20
)

// voice writes a tone of two minutes, which a telephone takes for its microphone.
func voice(file string, hertz float64) error {
	const rate = 16000
	samples := make([]int16, 120*rate)
	for i := range samples {
		samples[i] = int16(loudness * math.Sin(2*math.Pi*hertz*float64(i)/rate))
	}
	return wav.WriteFile(file, rate, samples)
}

// recording is what a sound card of QEMU plays into a WAV file, read while it is
// being written: its header does not know its length yet.
type recording struct{ file string }

func (r recording) left() ([]int16, error) {
	b, err := os.ReadFile(r.file)
	if errors.Is(err, os.ErrNotExist) || len(b) < 44 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b = b[44:]
	samples := make([]int16, len(b)/4)
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(b[4*i:]))
	}
	return samples, nil
}

// heard is what windows of 50 ms are full of.
type heard struct{ good, wrong, other int }

func (h heard) String() string {
	return fmt.Sprintf("%.2f s right, %.2f s one's own voice, %.2f s neither", 0.05*float64(h.good), 0.05*float64(h.wrong), 0.05*float64(h.other))
}

// listen counts the windows in which a tone is as loud as it was said and nearly
// alone, and those in which another is loud.
func listen(samples []int16, hertz, wrong float64) (h heard) {
	for at := 0; at+window <= len(samples); at += window {
		w := samples[at : at+window]
		right, bad := amplitude(w, hertz), amplitude(w, wrong)
		switch {
		case right > 0.6*loudness && right < 1.4*loudness && bad < 0.1*loudness:
			h.good++
		case bad > 0.3*loudness:
			h.wrong++
		default:
			h.other++
		}
	}
	return h
}

// amplitude is how loud a tone is in a window that holds whole periods of it.
func amplitude(w []int16, hertz float64) float64 {
	var re, im float64
	for i, s := range w {
		sin, cos := math.Sincos(2 * math.Pi * hertz * float64(i) / cardRate)
		re += float64(s) * cos
		im += float64(s) * sin
	}
	return 2 * math.Hypot(re, im) / float64(len(w))
}

// ears are the recordings of a machine's sound cards, one for each time that a card
// is plugged in.
func ears(out, name string, n int) recording {
	return recording{filepath.Join(out, fmt.Sprintf("%s-%d.wav", name, n))}
}
