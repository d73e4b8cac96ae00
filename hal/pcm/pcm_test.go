package pcm

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"chordophone/hal"
)

func sine(rate int, hz, amplitude float64, n int) []int16 {
	s := make([]int16, n)
	for i := range s {
		s[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return s
}

func rms(s []int16) float64 {
	sum := 0.0
	for _, v := range s {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(s)))
}

// A tone in the pass band comes out as the same tone, in phase, with little else.
func TestResampleTone(t *testing.T) {
	for _, c := range []struct{ from, to int }{
		{8000, 16000}, {11025, 16000}, {22050, 16000}, {32000, 16000}, {44100, 16000}, {48000, 16000},
		{16000, 48000}, {16000, 44100}, {16000, 8000}, {16000, 16000},
	} {
		t.Run(fmt.Sprintf("%d-%d", c.from, c.to), func(t *testing.T) {
			got := Resample(sine(c.from, 1000, 10000, c.from/2), c.from, c.to)
			want := sine(c.to, 1000, 10000, (c.from/2*c.to+c.from-1)/c.from)
			if len(got) != len(want) {
				t.Fatalf("%d samples, want %d", len(got), len(want))
			}
			edge := c.to / 50 // the ends, where the filter sees the silence round the sound
			var noise []int16
			for i := edge; i < len(got)-edge; i++ {
				noise = append(noise, got[i]-want[i])
			}
			if db := 20 * math.Log10(rms(noise)/rms(want)); db > -60 {
				t.Errorf("error %.1f dB, want below -60", db)
			}
		})
	}
}

// What the lower rate cannot carry is removed instead of folded down.
func TestResampleAlias(t *testing.T) {
	for _, from := range []int{44100, 48000} {
		in := sine(from, 10000, 20000, from/2)
		out := Resample(in, from, 16000)
		if db := 20 * math.Log10(rms(out[500:len(out)-500])/rms(in)); db > -60 {
			t.Errorf("%d: 10 kHz comes through at %.1f dB", from, db)
		}
	}
}

// The result does not depend on how the stream is cut.
func TestResamplePieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := []int{8000, 16000, 22050, 44100, 48000}
		from := rapid.SampledFrom(rates).Draw(t, "from")
		to := rapid.SampledFrom(rates).Draw(t, "to")
		in := rapid.SliceOfN(rapid.Int16(), 0, 2000).Draw(t, "in")
		whole := NewResampler(from, to).Append(nil, in)
		r, rest, pieces := NewResampler(from, to), in, []int16(nil)
		for len(rest) > 0 {
			n := min(len(rest), rapid.IntRange(1, 300).Draw(t, "n"))
			pieces = r.Append(pieces, rest[:n])
			rest = rest[n:]
		}
		if !slices.Equal(whole, pieces) {
			t.Fatalf("%d to %d: cutting the stream changes it", from, to)
		}
		if want := len(in) * to / from; abs(len(whole)-want) > 1 {
			t.Fatalf("%d to %d: %d samples of %d, want %d", from, to, len(whole), len(in), want)
		}
	})
}

func abs(x int) int { return max(x, -x) }

// A frame of 10 ms gives exactly a frame at the rates sound cards have.
func TestResampleFrames(t *testing.T) {
	for _, rate := range []int{8000, 32000, 44100, 48000} {
		down, up := NewResampler(rate, hal.Rate), NewResampler(hal.Rate, rate)
		for i := range 10 {
			if n := len(down.Append(nil, make([]int16, rate/100))); n != hal.FrameSamples {
				t.Errorf("frame %d from %d: %d samples", i, rate, n)
			}
			if n := len(up.Append(nil, make([]int16, hal.FrameSamples))); n != rate/100 {
				t.Errorf("frame %d to %d: %d samples", i, rate, n)
			}
		}
	}
}

func TestResampleSaturates(t *testing.T) {
	in := make([]int16, 4800)
	for i := range in { // a square wave overshoots behind a low-pass
		in[i] = math.MaxInt16
		if i/40%2 == 1 {
			in[i] = math.MinInt16
		}
	}
	// Wrapped samples would change sign in the middle of a half wave.
	out := Resample(in, 48000, 16000)
	for i := 120; i < len(out)-120; i++ {
		if k := i * 3 % 40; k > 9 && k < 30 && (out[i] > 0) != (in[i*3] > 0) {
			t.Fatalf("sample %d wraps: %d", i, out[i])
		}
	}
}

func BenchmarkResample(b *testing.B) {
	for _, c := range []struct{ from, to int }{{48000, 16000}, {44100, 16000}, {16000, 48000}} {
		b.Run(fmt.Sprintf("%d-%d", c.from, c.to), func(b *testing.B) {
			r, in, out := NewResampler(c.from, c.to), make([]int16, c.from/50), []int16(nil)
			b.ReportAllocs()
			for b.Loop() {
				out = r.Append(out[:0], in)
			}
		})
	}
}

// A frame bent by a sample begins and ends as it was, and has no step that it had not.
func TestBend(t *testing.T) {
	src := sine(16000, 300, 10000, 320)
	for _, n := range []int{319, 320, 321} {
		got := Bend(nil, src, n)
		if len(got) != n || got[0] != src[0] || got[n-1] != src[319] {
			t.Fatalf("%d samples, from %d to %d, want %d, from %d to %d", len(got), got[0], got[n-1], n, src[0], src[319])
		}
		steepest := 2 * math.Pi * 300 / 16000 * 10000
		for i := 1; i < n; i++ {
			if d := abs(int(got[i]) - int(got[i-1])); float64(d) > 1.02*steepest+2 {
				t.Fatalf("%d samples: a step of %d, the steepest was %.0f", n, d, steepest)
			}
		}
	}
	// Two frames in the time of one: the first goes over into the second.
	two := append(slices.Repeat([]int16{1000}, 320), slices.Repeat([]int16{-1000}, 320)...)
	got := Bend(nil, two, 320)
	if len(got) != 320 || got[0] != 1000 || got[319] != -1000 || abs(int(got[160])) > 20 {
		t.Errorf("%d samples, %d, %d, %d", len(got), got[0], got[160], got[319])
	}
}

func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pacer
		start := time.Now()
		for i := range 100 {
			p.Wait(hal.FrameSamples)
			if got, want := time.Since(start), time.Duration(i)*hal.Frame; got != want {
				t.Fatalf("frame %d at %v, want %v", i, got, want)
			}
			if i%10 == 0 {
				time.Sleep(hal.Frame * 2 / 3) // work between frames does not move the grid
			}
		}
	})
}

func TestPacerLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pacer
		p.Wait(hal.FrameSamples)
		time.Sleep(60 * time.Millisecond) // a little late: caught up without waiting
		late := time.Now()
		for range 6 {
			p.Wait(hal.FrameSamples)
		}
		if d := time.Since(late); d != 0 || p.Skipped() != 0 {
			t.Errorf("catching up took %v, skipped %d", d, p.Skipped())
		}
		time.Sleep(time.Second) // far too late: the time is lost
		late = time.Now()
		for range 21 {
			p.Wait(hal.FrameSamples)
		}
		if d := time.Since(late); d != 20*hal.Frame {
			t.Errorf("21 frames after a gap took %v, want 20", d)
		}
		if p.Skipped() != 99 && p.Skipped() != 100 {
			t.Errorf("skipped %d frames of a second", p.Skipped())
		}
	})
}

func TestChannels(t *testing.T) {
	if got := Mono(nil, []int16{10, 20, -32768, -32768, 32767, -32767, 5}, 2); !slices.Equal(got, []int16{15, -32768, 0}) {
		t.Errorf("Mono: %v", got)
	}
	if got := Spread(nil, []int16{1, -2}, 2); !slices.Equal(got, []int16{1, 1, -2, -2}) {
		t.Errorf("Spread: %v", got)
	}
	b := AppendS16LE(nil, []int16{1, -2, 256})
	if !slices.Equal(b, []byte{1, 0, 0xfe, 0xff, 0, 1}) {
		t.Errorf("AppendS16LE: %x", b)
	}
	if got := ParseS16LE(nil, b); !slices.Equal(got, []int16{1, -2, 256}) {
		t.Errorf("ParseS16LE: %v", got)
	}
}
