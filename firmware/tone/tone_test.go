package tone

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"chordophone/hal"
)

const rate = hal.Rate

// goertzel is the amplitude of one frequency in pcm, as of a sine.
func goertzel(pcm []int16, hz float64, rate int) float64 {
	c := 2 * math.Cos(2*math.Pi*hz/float64(rate))
	var s1, s2 float64
	for i, x := range pcm {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(len(pcm))) // Hann
		s1, s2 = float64(x)*w+c*s1-s2, s1
	}
	return math.Sqrt(s1*s1+s2*s2-c*s1*s2) / (float64(len(pcm)) / 4)
}

// dBm0 is the power of pcm.
func dBm0(pcm []int16) float64 {
	var sum float64
	for _, x := range pcm {
		sum += float64(x) * float64(x)
	}
	full := math.MaxInt16 / math.Sqrt2
	return 20*math.Log10(math.Sqrt(sum/float64(len(pcm)))/full) + fullScale
}

func play(t *testing.T, country string, tone hal.Tone, rate, ms int) []int16 {
	t.Helper()
	g, err := New(country, rate)
	if err != nil {
		t.Fatal(err)
	}
	g.Play(tone)
	pcm := make([]int16, rate*ms/1000)
	g.Next(pcm)
	return pcm
}

// every tone of every country.
func every(t *testing.T, f func(t *testing.T, country string, tone hal.Tone)) {
	for _, c := range Countries() {
		for tone := hal.DialTone; tone <= hal.Confirm; tone++ {
			t.Run(fmt.Sprintf("%s/%v", c, tone), func(t *testing.T) { f(t, c, tone) })
		}
	}
}

// length is how long the steps last that do not last for ever, in ms.
func (c cadence) length() (ms int) {
	for _, s := range c.steps {
		ms += s.ms
	}
	return ms
}

// TestFrequencies looks at what sounds in the middle of each step.
func TestFrequencies(t *testing.T) {
	every(t, func(t *testing.T, country string, tone hal.Tone) {
		i := slices.IndexFunc(plans, func(p plan) bool { return p.country == country })
		c := plans[i].tones[tone]
		if len(c.steps) == 0 {
			t.Fatal("no such tone")
		}
		at, all := 0, play(t, country, tone, rate, c.length()+1000)
		for n, s := range c.steps {
			ms := s.ms
			if ms == 0 {
				ms = 1000
			}
			pcm := all[rate*(at+2*ramp)/1000 : rate*(at+ms)/1000]
			at += ms
			if s.a == 0 {
				if slices.Max(pcm) != 0 || slices.Min(pcm) != 0 {
					t.Errorf("step %d: sound in the silence", n)
				}
				continue
			}
			if ms < 90 {
				continue // too short to tell
			}
			if l := dBm0(pcm); ms >= 400 && math.Abs(l-Level) > 0.5 {
				t.Errorf("step %d: %.2f dBm0", n, l)
			}
			want := math.MaxInt16 * math.Pow(10, (Level-fullScale)/20)
			if s.am {
				want *= math.Sqrt(2.0 / 3)
			} else if s.b != 0 {
				want *= math.Sqrt(0.5)
			}
			if ms < 400 && s.b != 0 {
				continue // too short to tell two neighbours apart
			}
			frequencies := []float64{s.a}
			if s.b != 0 && !s.am {
				frequencies = append(frequencies, s.b)
			}
			for _, f := range frequencies {
				if a := goertzel(pcm, f, rate); math.Abs(a/want-1) > 0.05 {
					t.Errorf("step %d: %.0f at %g Hz, want %.0f", n, a, f, want)
				}
			}
			for _, f := range []float64{200, 300, 700, 1000, 2000, 3000} {
				if a := goertzel(pcm, f, rate); a > want/100 {
					t.Errorf("step %d: %.0f at %g Hz too", n, a, f)
				}
			}
			if s.am {
				if a := goertzel(pcm, s.a+s.b, rate); math.Abs(a/want-0.5) > 0.05 {
					t.Errorf("step %d: sideband %.0f, want %.0f", n, a, want/2)
				}
			}
		}
	})
}

// parts returns how long sound and silence last by turns, in ms, of what is over
// within pcm. Silence is nothing at all for 20 ms; beats are never that still.
func parts(pcm []int16, rate int) []float64 {
	var p []float64
	ms := func(samples int) float64 { return float64(samples) / float64(rate) * 1000 }
	begin, quiet := 0, 0 // of the sound, of the zeros that may be silence
	for i, x := range pcm {
		if x == 0 {
			continue
		}
		if i-quiet >= rate/50 && i > quiet && quiet > 0 {
			p = append(p, ms(quiet-begin), ms(i-quiet))
			begin = i
		}
		quiet = i + 1
	}
	if len(pcm)-quiet >= rate/50 {
		p = append(p, ms(quiet-begin))
	}
	return p
}

// TestCadences holds what is heard to figures written down here once more.
func TestCadences(t *testing.T) {
	for _, c := range []struct {
		country string
		tone    hal.Tone
		want    []float64
	}{
		{"eu", hal.DialTone, nil},
		{"eu", hal.Ringback, []float64{1000, 4000, 1000, 4000}},
		{"eu", hal.Busy, []float64{500, 500, 500, 500}},
		{"eu", hal.Congestion, []float64{200, 200, 200, 200}},
		{"eu", hal.Waiting, []float64{200, 200, 200, 4400, 200}},
		{"eu", hal.Confirm, []float64{100, 100, 100, 100, 100}},
		{"de", hal.Busy, []float64{480, 480, 480}},
		{"de", hal.Congestion, []float64{240, 240, 240}},
		{"at", hal.Ringback, []float64{1000, 5000, 1000}},
		{"fr", hal.Ringback, []float64{1500, 3500, 1500}},
		{"uk", hal.Ringback, []float64{400, 200, 400, 2000, 400, 200}},
		{"uk", hal.Congestion, []float64{400, 350, 225, 525, 400}},
		{"us", hal.Ringback, []float64{2000, 4000, 2000}},
		{"us", hal.Busy, []float64{500, 500, 500}},
		{"us", hal.Congestion, []float64{250, 250, 250}},
		{"us", hal.Stutter, []float64{100, 100, 100, 100, 100, 100}}, // then for ever
		{"au", hal.Busy, []float64{375, 375, 375}},
		{"ch", hal.Waiting, []float64{200, 200, 200, 4000, 200}},
	} {
		t.Run(fmt.Sprintf("%s/%v", c.country, c.tone), func(t *testing.T) {
			for _, rate := range []int{8000, 16000} {
				ms := 50.0
				for _, w := range c.want {
					ms += w
				}
				got := parts(play(t, c.country, c.tone, rate, int(ms)), rate)
				if len(got) < len(c.want) || len(c.want) == 0 && len(got) > 0 {
					t.Fatalf("%d/s: heard %.0f, want %.0f", rate, got, c.want)
				}
				for i, w := range c.want {
					if i%2 == 0 {
						w += ramp // the sound fades into the silence
					} else {
						w -= ramp
					}
					if math.Abs(got[i]-w) > 0.5 {
						t.Errorf("%d/s: part %d lasts %.1f ms, want %.0f", rate, i, got[i], w)
					}
				}
			}
		})
	}
}

// TestNoClicks: no jump between samples is greater than a sine at full level
// makes, not within a cadence and not when the tone changes at any moment.
func TestNoClicks(t *testing.T) {
	steepest := func(pcm []int16) (most float64) {
		for i := 1; i < len(pcm); i++ {
			most = max(most, math.Abs(float64(pcm[i])-float64(pcm[i-1])))
		}
		return most
	}
	limit := func(hz float64) float64 { // two sines together have 1.41 times the peak of one
		peak := math.Sqrt2 * math.MaxInt16 * math.Pow(10, (Level-fullScale)/20)
		return 1.05*peak*2*math.Pi*hz/rate + peak/(rate*ramp/1000)
	}
	every(t, func(t *testing.T, country string, tone hal.Tone) {
		pcm := play(t, country, tone, rate, 3000)
		if s := steepest(pcm); s > limit(1400) {
			t.Errorf("a jump of %.0f", s)
		}
	})
	t.Run("change", func(t *testing.T) {
		g, _ := New("uk", rate)
		pcm := make([]int16, 3*rate)
		tones := []hal.Tone{hal.DialTone, hal.Busy, hal.Ringback, hal.Silence, hal.Congestion}
		for i := 0; i < len(pcm); i += 37 {
			if i%(37*11) == 0 {
				g.Play(tones[i/(37*11)%len(tones)])
			}
			g.Next(pcm[i:min(i+37, len(pcm))])
		}
		if s := steepest(pcm); s > limit(620) {
			t.Errorf("a jump of %.0f", s)
		}
		if slices.Max(pcm) < 1000 {
			t.Error("nothing is heard")
		}
	})
}

// TestPlay: a change comes within two ramps, silence is silence, and playing the
// same tone again does not begin it again.
func TestPlay(t *testing.T) {
	g, err := New("eu", rate)
	if err != nil {
		t.Fatal(err)
	}
	frame := make([]int16, hal.FrameSamples)
	if g.Next(frame); slices.Max(frame) != 0 {
		t.Error("a new generator is not silent")
	}
	g.Play(hal.DialTone)
	g.Next(frame)
	if g.Next(frame); math.Abs(dBm0(frame)-Level) > 0.6 {
		t.Errorf("dial tone at %.1f dBm0", dBm0(frame))
	}
	g.Play(hal.Silence)
	g.Next(frame)
	if quiet := frame[rate*ramp/1000+1:]; slices.Max(quiet) != 0 || slices.Min(quiet) != 0 {
		t.Error("silence is not silent after one ramp")
	}
	g.Play(hal.Tone(200)) // nonsense changes nothing
	if g.Next(frame); slices.Max(frame) != 0 {
		t.Error("an unknown tone sounds")
	}

	want := play(t, "eu", hal.Busy, rate, 2000)
	g, _ = New("eu", rate)
	got := make([]int16, len(want))
	for i := 0; i < len(got); i += hal.FrameSamples {
		g.Play(hal.Busy)
		g.Next(got[i : i+hal.FrameSamples])
	}
	if !slices.Equal(got, want) {
		t.Error("asking for the tone that plays disturbs it, or frames do")
	}
}

// TestPress: each key has its pair, for a moment; then the tone asked for comes,
// even if that was asked for meanwhile.
func TestPress(t *testing.T) {
	for i, k := range hal.Digits {
		g, _ := New("eu", rate)
		g.Press(hal.Key(k))
		g.Play(hal.Silence)
		pcm := make([]int16, rate*300/1000)
		g.Next(pcm)
		low, high := []float64{697, 770, 852, 941}, []float64{1209, 1336, 1477, 1633}
		for n, f := range append(low, high...) {
			a := goertzel(pcm[:rate*pressed/1000], f, rate)
			if in := n == i/4 || n-4 == i%4; in != (a > 2500) {
				t.Errorf("key %c: %.0f at %g Hz", k, a, f)
			}
		}
		if rest := pcm[rate*(pressed+ramp+1)/1000:]; slices.Max(rest) != 0 {
			t.Errorf("key %c goes on", k)
		}
	}
	g, _ := New("eu", rate)
	pcm := make([]int16, rate/2)
	g.Play(hal.DialTone)
	g.Next(pcm)
	g.Press('1')
	g.Next(pcm[:rate/50])
	g.Press('5') // before the first is over
	g.Play(hal.Busy)
	g.Press(hal.Hook) // no sound
	g.Next(pcm)
	if a := goertzel(pcm[rate/100:rate/10], 1336, rate); a < 2500 {
		t.Errorf("the second key is not heard: %.0f", a)
	}
	if a := goertzel(pcm[rate*150/1000:rate*400/1000], 425, rate); a < 4000 {
		t.Errorf("no busy tone after the keys: %.0f", a)
	}
}

func TestUnknown(t *testing.T) {
	_, err := New("xx", rate)
	if !errors.Is(err, ErrCountry) || !strings.Contains(err.Error(), "eu, de, at, ch, fr, uk, us, jp, au") {
		t.Error(err)
	}
	if _, err := New("eu", 0); err == nil {
		t.Error("rate 0 is taken")
	}
}

func TestAllocations(t *testing.T) {
	g, _ := New("uk", rate)
	frame := make([]int16, hal.FrameSamples)
	tone := hal.Silence
	if n := testing.AllocsPerRun(200, func() {
		tone = (tone + 1) % (hal.Confirm + 1)
		g.Play(tone)
		g.Press('5')
		g.Next(frame)
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func BenchmarkNext(b *testing.B) {
	g, _ := New("uk", rate)
	g.Play(hal.DialTone)
	frame := make([]int16, hal.FrameSamples)
	b.ReportAllocs()
	for b.Loop() {
		g.Next(frame)
	}
}
