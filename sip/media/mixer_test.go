package media

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestMixIsExact: while the sum fits, each hears exactly the sum of the others.
func TestMixIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "parties")
		size := rapid.SampledFrom([]int{1, 160, 320}).Draw(t, "samples")
		in, out := make([][]int16, n), make([][]int16, n)
		for j := range in {
			if rapid.IntRange(0, 4).Draw(t, "mute") > 0 {
				in[j] = rapid.SliceOfN(rapid.Int16Range(-32768/6, 32767/6), size, size).Draw(t, "in")
			}
			out[j] = make([]int16, size)
		}
		var m Mixer
		for range 2 {
			m.Mix(out, in)
			for j := range out {
				for i, got := range out[j] {
					want := 0
					for k := range in {
						if k != j && in[k] != nil {
							want += int(in[k][i])
						}
					}
					if int(got) != want {
						t.Fatalf("party %d sample %d: %d, want %d", j, i, got, want)
					}
				}
			}
		}
	})
}

// TestMixNeverClips: however loud all are, every listener's sound is its sum times one gain
// that all share; it never wraps, and the gain never jumps up.
func TestMixNeverClips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 8).Draw(t, "parties")
		var m Mixer
		last := float32(1)
		for range rapid.IntRange(1, 5).Draw(t, "frames") {
			in, out := make([][]int16, n), make([][]int16, n)
			for j := range in {
				in[j] = rapid.SliceOfN(rapid.Int16(), 32, 32).Draw(t, "in")
				out[j] = make([]int16, len(in[j]))
			}
			m.Mix(out, in)
			for i := range 32 {
				g := m.gains[i]
				if g > last+1.01*mixRise || g <= 0 || g > 1 {
					t.Fatalf("gain %g after %g", g, last)
				}
				last = g
				for j := range out {
					if want := float64(m.heard(in, j, i)) * float64(g); math.Abs(want) > 32768.5 || math.Abs(float64(out[j][i])-want) > 1.5 {
						t.Fatalf("party %d hears %d, its sum at gain %g is %.1f", j, out[j][i], g, want)
					}
				}
			}
		}
	})
}

// TestMixSoundsWhole: three who shout at once are not distorted into clicks, and after them
// the gain is back within a second.
func TestMixSoundsWhole(t *testing.T) {
	var m Mixer
	shout := func(f float64, at int) []int16 {
		pcm := make([]int16, FrameSamples)
		for i := range pcm {
			grows := min(float64(at+i)/800, 1) // 50 ms: voices do not begin with a bang
			pcm[i] = int16(28000 * grows * math.Sin(2*math.Pi*f*float64(at+i)/Rate))
		}
		return pcm
	}
	var heard []int16
	ear := make([]int16, FrameSamples)
	for f := range 100 {
		m.Mix([][]int16{nil, nil, nil, ear}, [][]int16{shout(310, f*FrameSamples), shout(450, f*FrameSamples), shout(530, f*FrameSamples), nil})
		heard = append(heard, ear...)
	}
	steepest, _ := curve(heard)
	if loud := slices.Max(heard); steepest > 4000 || loud < 32000 {
		t.Errorf("second difference %d, peak %d", steepest, loud)
	}
	in := [][]int16{slices.Repeat([]int16{1000}, FrameSamples)}
	for range time.Second / Frame {
		m.Mix([][]int16{nil, ear}, in)
	}
	if ear[len(ear)-1] != 1000 {
		t.Errorf("a second later the gain is %d/1000", ear[len(ear)-1])
	}
}

func BenchmarkMix(b *testing.B) {
	var m Mixer
	var in, out [][]int16
	for j := range 4 {
		in, out = append(in, speech(Frame, uint64(j))), append(out, make([]int16, FrameSamples))
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Mix(out, in)
	}
}
