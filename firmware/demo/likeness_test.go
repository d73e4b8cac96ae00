package demo

import (
	"math/rand/v2"
	"slices"
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
	c, at := Likeness(speech, heard)
	if c < 0.99 || at < 4317 || at > 4325 {
		t.Errorf("the same sound: likeness %.3f at %d, want nearly 1 at 4321", c, at)
	}
	stretched := slices.Concat(heard[:12000], heard[11680:12000], heard[12000:])
	if c, _ := Likeness(speech, stretched); c < 0.95 {
		t.Errorf("with one frame played twice: likeness %.3f, want more than 0.95", c)
	}
	late := func(x []int16, at, by int) []int16 { return slices.Concat(x[:at], make([]int16, by), x[at:]) }
	later := heard
	for _, at := range []int{12000, 8000, 4000} { // where pieces begin
		later = late(later, 4321+at, 1500)
	}
	if c, _ := Likeness(speech, later); c < 0.95 {
		t.Errorf("with three pauses of a tenth of a second: likeness %.3f, want more than 0.95", c)
	}

	gap := append([]int16(nil), heard...)
	clear(gap[8000:14000])
	if c, _ := Likeness(speech, gap); c > 0.8 {
		t.Errorf("with a third of it missing: likeness %.3f, want less than 0.8", c)
	}
	if c, _ := Likeness(speech, noise(22000, 2)); c > 0.2 {
		t.Errorf("another sound: likeness %.3f, want next to nothing", c)
	}
	if c, _ := Likeness(speech, make([]int16, 22000)); c != 0 {
		t.Errorf("silence: likeness %.3f, want 0", c)
	}
	if c, _ := Likeness(speech, heard[:100]); c != 0 {
		t.Errorf("too short: likeness %.3f, want 0", c)
	}
}
