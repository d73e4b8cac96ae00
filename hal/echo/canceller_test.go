package echo

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"chordophone/hal"
	"chordophone/hal/pcm"
	"chordophone/hal/wav"
)

const tail = 256 * time.Millisecond

// speech is somebody who talks without end; who says it differs by pitch.
func speech(t testing.TB, pitch float64, length time.Duration) []int16 {
	t.Helper()
	s, err := wav.ReadFile("../../firmware/demo/speech.wav")
	if err != nil {
		t.Fatal(err)
	}
	said := pcm.Resample(s.At(hal.Rate), int(hal.Rate*pitch), hal.Rate)
	var out []int16
	for n := int(length.Seconds() * hal.Rate); len(out) < n; {
		out = append(out, said[:min(len(said), n-len(out))]...)
	}
	return out
}

// room is the way from loudspeaker to microphone: a direct path after delay and
// reflections that lose 60 dB in rt60.
func room(seed uint64, delay, rt60 time.Duration, coupling float64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 7))
	first := int(delay.Seconds() * hal.Rate)
	h := make([]float64, first+int(rt60.Seconds()*hal.Rate))
	sum := 0.0
	for i := first; i < len(h); i++ {
		h[i] = 0.3 * rng.NormFloat64() * math.Pow(10, -3*float64(i-first)/float64(len(h)-first))
		if i == first {
			h[i] = 1
		}
		sum += h[i] * h[i]
	}
	for i := range h {
		h[i] *= coupling / math.Sqrt(sum)
	}
	return h
}

// through is what is heard of x through a room.
func through(x []int16, h []float64) []float64 {
	size := 1
	for size < len(x)+len(h) {
		size *= 2
	}
	tr := newTransform(size)
	a, b := make([]float32, size), make([]float32, size)
	for i, v := range x {
		a[i] = float32(v)
	}
	for i, v := range h {
		b[i] = float32(v)
	}
	fa, fb := make([]complex64, size/2+1), make([]complex64, size/2+1)
	tr.forward(fa, a)
	tr.forward(fb, b)
	for i := range fa {
		fa[i] *= fb[i]
	}
	tr.inverse(a, fa)
	out := make([]float64, len(x))
	for i := range out {
		out[i] = float64(a[i])
	}
	return out
}

// scene is one conversation across a desk.
type scene struct {
	far, near []int16 // said there, and here; near may be nil
	echo      []float64
	noise     float64
	left      []int16 // what the canceller made of it
	mic       []int16
	c         *Canceller
}

func (s *scene) play() {
	rng := rand.New(rand.NewPCG(3, 3))
	s.mic = make([]int16, len(s.far))
	for i := range s.mic {
		v := s.echo[i] + s.noise*rng.NormFloat64()
		if s.near != nil {
			v += float64(s.near[i])
		}
		s.mic[i] = int16(max(-32768, min(32767, v)))
	}
	s.left = append([]int16(nil), s.mic...)
	for at := 0; at+Block <= len(s.left); at += Block {
		s.c.Cancel(s.left[at:at+Block], s.far[at:at+Block])
	}
}

// erle is how much quieter the microphone is made, from one time to another, in dB.
func (s *scene) erle(from, to time.Duration) float64 {
	a, b := int(from.Seconds()*hal.Rate), int(to.Seconds()*hal.Rate)
	before, after := 0.0, 1.0
	for i := a; i < b; i++ {
		before += float64(s.mic[i]) * float64(s.mic[i])
		after += float64(s.left[i]) * float64(s.left[i])
	}
	return 10 * math.Log10(before/after)
}

// seconds of a test's time.
func at(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// The echo of speech is 20 dB quieter within four seconds and 30 dB within ten, in
// rooms of several lengths.
func TestRooms(t *testing.T) {
	far := speech(t, 1, at(12))
	for i, rt := range []float64{0.2, 0.3, 0.4} {
		noise := 10 * float64(i%2) // in a pause without any there is nothing to learn from
		s := scene{far: far, echo: through(far, room(uint64(i), at(0.03), at(rt), 0.7)), noise: noise, c: New(tail)}
		s.play()
		early, late := s.erle(at(2), at(4)), s.erle(at(10), at(12))
		t.Logf("room of %.1f s: ERLE %.1f dB in the third and fourth second, %.1f dB after ten", rt, early, late)
		if early < 20 || late < 30 {
			t.Errorf("room of %.1f s: ERLE %.1f and %.1f dB, want 20 and 30", rt, early, late)
		}
	}
}

// The filter alone does most of it.
func TestFilter(t *testing.T) {
	far := speech(t, 1, at(12))
	s := scene{far: far, echo: through(far, room(1, at(0.03), at(0.3), 0.7)), noise: 10, c: New(tail)}
	s.c.suppressor.least = 1
	s.play()
	if late := s.erle(at(10), at(12)); late < 25 {
		t.Errorf("ERLE %.1f dB, want 25", late)
	} else {
		t.Logf("ERLE %.1f dB", late)
	}
}

// Who speaks here while the far end speaks is heard clearly, and spoils nothing.
func TestDoubleTalk(t *testing.T) {
	far := speech(t, 1, at(14))
	for _, loud := range []float64{0.5, 1, 2} {
		near := talks(t, 14, 7, 12)
		for i, v := range near {
			near[i] = int16(max(-32768, min(32767, loud*float64(v))))
		}
		s := scene{far: far, near: near, echo: through(far, room(2, at(0.03), at(0.3), 0.7)), noise: 10, c: New(tail)}
		s.play()
		from, to := 7*hal.Rate, 12*hal.Rate
		with, without := clarity(near[from:to], s.left[from:to]), clarity(near[from:to], s.mic[from:to])
		before, after := s.erle(at(5), at(7)), s.erle(at(12.2), at(14))
		t.Logf("%.1f times as loud: ESTOI %.3f (%.3f without), ERLE %.1f dB before, %.1f dB after", loud, with, without, before, after)
		if with < 0.9 || after < 20 {
			t.Errorf("%.1f times as loud: ESTOI %.3f, ERLE %.1f dB after", loud, with, after)
		}
	}
}

// talks is somebody who speaks from one second to another.
func talks(t *testing.T, length, from, to float64) []int16 {
	near := speech(t, 1.18, at(length))
	for i := range near {
		if now := float64(i) / hal.Rate; now < from || now >= to {
			near[i] = 0
		}
	}
	return near
}

// Both speak from the first word on, when nothing is known of the room yet: the filter
// learns slowly, but nothing wrong.
func TestDoubleTalkFirst(t *testing.T) {
	far, near := speech(t, 1, at(10)), talks(t, 10, 0, 6)
	s := scene{far: far, near: near, echo: through(far, room(2, at(0.03), at(0.3), 0.7)), noise: 10, c: New(tail)}
	s.play()
	first := near[:6*hal.Rate]
	with, without, after := clarity(first, s.left[:len(first)]), clarity(first, s.mic[:len(first)]), s.erle(at(8), at(10))
	t.Logf("ESTOI %.3f (%.3f without), ERLE %.1f dB after", with, without, after)
	if with < 0.73 || after < 28 {
		t.Errorf("ESTOI %.3f, ERLE %.1f dB after", with, after)
	}
}

// A microphone that is shouted at until it clips teaches nothing.
func TestClipping(t *testing.T) {
	far, near := speech(t, 1, at(10)), make([]int16, 10*hal.Rate)
	for i := 6 * hal.Rate; i < 9*hal.Rate; i++ {
		near[i] = int16(32767 - 65534*(i/40%2))
	}
	s := scene{far: far, near: near, echo: through(far, room(4, at(0.02), at(0.3), 0.7)), noise: 10, c: New(tail)}
	s.play()
	if after := s.erle(at(9.2), at(10)); after < 30 {
		t.Errorf("ERLE %.1f dB after", after)
	}
}

// Who speaks here while the far end is silent is not changed.
func TestNearAlone(t *testing.T) {
	near := speech(t, 1.1, at(10))
	s := scene{far: make([]int16, len(near)), near: near, echo: make([]float64, len(near)), c: New(tail)}
	s.play()
	if c := clarity(near[:8*hal.Rate], s.left[:8*hal.Rate]); c < 0.99 {
		t.Errorf("ESTOI %.3f", c)
	}
}

// When the way through the room changes, the canceller learns the new one, also when the
// old filter does harm at first because the echo has become much quieter.
func TestRoomChanges(t *testing.T) {
	far := speech(t, 1, at(11))
	for _, c := range []struct{ before, after, first float64 }{{0.7, 0.5, -1}, {2, 0.3, -3}} {
		echo := through(far, room(4, at(0.02), at(0.3), c.before))
		copy(echo[5*hal.Rate:], through(far, room(5, at(0.035), at(0.3), c.after))[5*hal.Rate:])
		s := scene{far: far, echo: echo, noise: 10, c: New(tail)}
		s.play()
		first, soon := s.erle(at(5), at(5.5)), s.erle(at(9), at(11))
		t.Logf("ERLE %.1f dB at once, %.1f dB after four seconds", first, soon)
		if first < c.first || soon < 20 {
			t.Errorf("ERLE %.1f dB at once, %.1f dB after four seconds", first, soon)
		}
	}
}

// Whatever comes in, no more comes out than went in.
func TestNeverLouder(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for trial := range 30 {
		c := New(64 * time.Millisecond)
		kind := func() func(i int) int16 {
			loud, hertz := math.Pow(10, 4.6*rng.Float64()), 50+6000*rng.Float64()
			switch rng.IntN(4) {
			case 0:
				return func(int) int16 { return int16(rng.Float64()*loud - loud/2) }
			case 1:
				return func(i int) int16 {
					return int16(min(32767, loud) * math.Sin(2*math.Pi*hertz*float64(i)/hal.Rate))
				}
			case 2:
				return func(i int) int16 { return int16(65535*(i/4000%2) - 32768) }
			}
			return func(int) int16 { return 0 }
		}
		var in, out float64
		mic, ear := make([]int16, Block), make([]int16, Block)
		for n, f, g := 0, kind(), kind(); n < 300; n++ {
			if n%100 == 99 {
				f, g = kind(), kind()
			}
			for i := range mic {
				mic[i], ear[i] = f(n*Block+i), g(n*Block+i)
				in += float64(mic[i]) * float64(mic[i])
			}
			c.Cancel(mic, ear)
			for _, v := range mic {
				out += float64(v) * float64(v)
			}
		}
		if out > 1.2*in+1e6 {
			t.Errorf("trial %d: %.0f came out of %.0f", trial, out, in)
		}
	}
}

// In a call the frames of both directions come in turn, and tones before it without a
// microphone.
func TestLine(t *testing.T) {
	const frame = hal.FrameSamples
	far := speech(t, 1, at(8))
	echo := through(far, room(1, at(0.02), at(0.2), 0.7))
	l := NewLine(tail)
	for range 3 {
		l.Played(make([]int16, frame))
	}
	before, after := 0.0, 1.0
	for i := 0; i+frame <= len(far); i += frame {
		mic := make([]int16, frame)
		for j := range mic {
			if i > 0 { // the speaker plays a frame while the next is recorded
				mic[j] = int16(echo[i-frame+j])
			}
			if i > 5*hal.Rate {
				before += float64(mic[j]) * float64(mic[j])
			}
		}
		if l.Heard(mic); len(l.played) != 0 {
			t.Fatal("what was played is met twice")
		}
		if i > 5*hal.Rate {
			for _, v := range mic {
				after += float64(v) * float64(v)
			}
		}
		l.Played(far[i : i+frame])
	}
	if e := 10 * math.Log10(before/after); e < 25 {
		t.Errorf("ERLE %.1f dB", e)
	}
	mic := make([]int16, frame)
	if n := testing.AllocsPerRun(100, func() { l.Heard(mic); l.Played(mic) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func BenchmarkCancel(b *testing.B) {
	far := speech(b, 1, 10*time.Second)
	echo := through(far, room(1, 30*time.Millisecond, 300*time.Millisecond, 0.7))
	mic := make([]int16, Block)
	for _, tail := range []time.Duration{128 * time.Millisecond, tail} {
		b.Run(tail.String(), func(b *testing.B) {
			c := New(tail)
			b.ReportAllocs()
			at := 0
			for b.Loop() {
				for i := range mic {
					mic[i] = int16(echo[at+i])
				}
				c.Cancel(mic, far[at:at+Block])
				at = (at + Block) % (len(far) - Block)
			}
		})
	}
}
