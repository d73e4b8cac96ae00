package demo

import (
	"math/rand/v2"
	"testing"
)

// noise is band-limited noise: as hard to mistake as speech.
func noise(n int, seed uint64) []int16 {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := make([]int16, n)
	v := 0.0
	for i := range out {
		v += 0.2 * (rng.NormFloat64()*6000 - v)
		out[i] = int16(v)
	}
	return out
}

func TestLikeness(t *testing.T) {
	speech := noise(16000, 1)
	heard := append(make([]int16, 4321), speech...)
	heard = append(heard, make([]int16, 2000)...)
	for i := range heard {
		heard[i] = heard[i]/2 + int16(i%7) // quieter, with some hum
	}
	c, at := likeness(speech, heard)
	if c < 0.99 || at != 4321 {
		t.Errorf("the same sound: likeness %.3f at %d, want nearly 1 at 4321", c, at)
	}

	gap := append([]int16(nil), heard...)
	clear(gap[8000:14000])
	if c, _ := likeness(speech, gap); c > 0.9 {
		t.Errorf("with a third of it missing: likeness %.3f, want less than 0.9", c)
	}
	if c, _ := likeness(speech, noise(22000, 2)); c > 0.2 {
		t.Errorf("another sound: likeness %.3f, want next to nothing", c)
	}
	if c, _ := likeness(speech, make([]int16, 22000)); c != 0 {
		t.Errorf("silence: likeness %.3f, want 0", c)
	}
	if c, _ := likeness(speech, heard[:100]); c != 0 {
		t.Errorf("too short: likeness %.3f, want 0", c)
	}
}
