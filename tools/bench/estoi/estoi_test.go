package estoi

import (
	"math"
	"math/rand/v2"
	"testing"
)

// voice is a gliding pitch with harmonics, in syllables.
func voice(seconds int) []int16 {
	pcm := make([]int16, seconds*Rate)
	phase := 0.0
	for i := range pcm {
		at := float64(i) / Rate
		f := 140 + 50*math.Sin(2*math.Pi*0.7*at)
		phase += 2 * math.Pi * f / Rate
		s := 0.0
		for h := 1.0; h*f < 3000; h++ {
			s += math.Sin(h*phase+h*h) / (1 + math.Abs(h*f-700-500*math.Sin(3*at))/300)
		}
		pcm[i] = int16(s * 3000 * math.Sqrt(max(0, math.Sin(4*math.Pi*at))))
	}
	return pcm
}

// What the measure says of sound that is known.
func TestOf(t *testing.T) {
	said := voice(6)
	if e := Of(said, said); e < 0.999 {
		t.Errorf("of the sound itself %.3f", e)
	}
	soft := make([]int16, len(said))
	for i, s := range said {
		soft[i] = s / 4
	}
	if e := Of(said, soft); e < 0.99 {
		t.Errorf("of the same, softer, %.3f", e)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	noise, worse := make([]int16, len(said)), 1.0
	for _, level := range []float64{100, 1000, 10000} {
		for i := range noise {
			noise[i] = int16(max(-32768, min(32767, float64(said[i])+level*rng.NormFloat64())))
		}
		e := Of(said, noise)
		if e >= worse {
			t.Errorf("with noise of %.0f: %.3f, not worse than %.3f", level, e, worse)
		}
		worse = e
	}
	for i := range noise {
		noise[i] = int16(rng.NormFloat64() * 3000)
	}
	if e := Of(said, noise); e > 0.15 {
		t.Errorf("of noise alone %.3f", e)
	}
	if e := Of(said[:100], said[:100]); e != 0 {
		t.Errorf("of less than can be measured %.3f", e)
	}
}
