package pcm

import "math"

// zeros is how many zero crossings the low-pass filter keeps on each side of
// its middle. 16 give about 74 dB of stop band with the window below and a
// transition of a tenth of the pass band.
const zeros = 16

// Resampler changes the rate of a stream of sound by an exact ratio. It is a
// polyphase filter: the windowed sinc low-pass of a filter running at the least
// common multiple of both rates, of which only the products that are not zero
// are computed. It has linear phase and delays by half its length, about 1 ms
// at 16 kHz.
//
//	in  x---x---x---x---x---x---x      taps inputs before position pos
//	        |___filter[phase]___|      make one output
//	out        y     y     y           phase advances by down modulo up
type Resampler struct {
	up, down int         // out = in * up / down, in lowest terms
	filter   [][]float32 // [phase][tap], each phase sums to 1
	past     []int16     // the inputs that outputs to come still need
	phase    int         // of the next output, 0 <= phase < up
}

// NewResampler returns a Resampler from one rate to another, both positive.
func NewResampler(from, to int) *Resampler {
	if from <= 0 || to <= 0 {
		panic("BUG: pcm: rate not positive")
	}
	g := gcd(from, to)
	r := &Resampler{up: to / g, down: from / g}
	if r.up != r.down {
		r.design()
		r.past = make([]int16, r.taps()-1)
	}
	return r
}

func (r *Resampler) taps() int { return len(r.filter[0]) }

func (r *Resampler) design() {
	// Cut off below half of the lower rate. Frequencies are in cycles per
	// input sample.
	cut := 0.5 * min(1, float64(r.up)/float64(r.down))
	half := int(math.Ceil(zeros / (2 * cut))) // inputs on each side
	cut *= 1 - 1.0/zeros                      // the middle of the transition lies lower
	r.filter = make([][]float32, r.up)
	for phase := range r.filter {
		tap := make([]float64, 2*half)
		sum := 0.0
		for i := range tap {
			// Distance from the output's place to the i-th oldest input.
			t := float64(i-half+1) - float64(phase)/float64(r.up)
			tap[i] = sinc(2*cut*t) * blackman(t/float64(half))
			sum += tap[i]
		}
		r.filter[phase] = make([]float32, len(tap))
		for i, v := range tap {
			r.filter[phase][i] = float32(v / sum)
		}
	}
}

// Append resamples src, following what was given before, and appends the result
// to dst.
func (r *Resampler) Append(dst, src []int16) []int16 {
	if r.up == r.down {
		return append(dst, src...)
	}
	r.past = append(r.past, src...)
	taps, pos := r.taps(), 0
	for pos+taps <= len(r.past) {
		dst = append(dst, dot(r.filter[r.phase], r.past[pos:pos+taps]))
		r.phase += r.down
		pos += r.phase / r.up
		r.phase %= r.up
	}
	r.past = append(r.past[:0], r.past[pos:]...) // a step is shorter than the filter
	return dst
}

// Resample returns the whole of a sound at another rate, in place: its length
// is scaled and the filter's delay removed.
func Resample(samples []int16, from, to int) []int16 {
	r := NewResampler(from, to)
	if r.up == r.down {
		return samples
	}
	want := (len(samples)*r.up + r.down - 1) / r.down
	half := r.taps() / 2
	r.past = r.past[:half-1] // the silence of half a filter before the first sample
	out := r.Append(make([]int16, 0, want+1), samples)
	out = r.Append(out, make([]int16, half+r.down/r.up+1))
	return out[:want]
}

func dot(filter []float32, in []int16) int16 {
	var sum float32
	in = in[:len(filter)]
	for i, f := range filter {
		sum += f * float32(in[i])
	}
	switch {
	case sum >= math.MaxInt16:
		return math.MaxInt16
	case sum <= math.MinInt16:
		return math.MinInt16
	case sum < 0:
		return int16(sum - 0.5)
	}
	return int16(sum + 0.5)
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// blackman is the Blackman window on -1 <= x <= 1.
func blackman(x float64) float64 {
	if x < -1 || x > 1 {
		return 0
	}
	return 0.42 + 0.5*math.Cos(math.Pi*x) + 0.08*math.Cos(2*math.Pi*x)
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
