package echo

import (
	"math"
	"slices"
	"testing"

	"chordophone/hal"
)

// clarity is the extended short-time objective intelligibility of what was heard of what
// was said (Jensen and Taal 2016), at the same time: 1 is all of it.
func clarity(said, heard []int16) float64 {
	const segment = 30 // frames, 384 ms
	x, y := octaves(said), octaves(heard)
	loudest := 0.0
	for _, f := range x {
		loudest = max(loudest, norm(f))
	}
	var xs, ys [][]float64
	for i := range x { // without pauses, 40 dB under the loudest
		if norm(x[i]) > loudest/100 {
			xs, ys = append(xs, x[i]), append(ys, y[i])
		}
	}
	sum, count := 0.0, 0
	for i := segment; i <= len(xs); i += 5 {
		a, b := level(xs[i-segment:i]), level(ys[i-segment:i])
		for j := range a {
			sum += a[j] * b[j] / segment
		}
		count++
	}
	return sum / float64(count)
}

func norm(f []float64) float64 {
	sum := 1e-20
	for _, v := range f {
		sum += v * v
	}
	return math.Sqrt(sum)
}

// level makes the rows (a band over time), then the columns (the bands of a frame) of a
// segment free of their mean and of norm 1.
func level(frames [][]float64) (flat []float64) {
	bands := len(frames[0])
	unit := func(v []float64) []float64 {
		mean := 0.0
		for _, x := range v {
			mean += x / float64(len(v))
		}
		for i := range v {
			v[i] -= mean
		}
		n := norm(v)
		for i := range v {
			v[i] /= n
		}
		return v
	}
	rows := make([][]float64, bands)
	for b := range rows {
		for _, f := range frames {
			rows[b] = append(rows[b], f[b])
		}
		rows[b] = unit(rows[b])
	}
	for i := range frames {
		var column []float64
		for b := range rows {
			column = append(column, rows[b][i])
		}
		flat = append(flat, unit(column)...)
	}
	return flat
}

// octaves is the amplitude in 15 thirds of octaves from 150 Hz, in frames of 25.6 ms.
func octaves(pcm []int16) (frames [][]float64) {
	const size, width, hop = 512, 410, 205
	tr := newTransform(size)
	x, spectrum := make([]float32, size), make([]complex64, size/2+1)
	for at := 0; at+width <= len(pcm); at += hop {
		for i := range width {
			x[i] = float32(pcm[at+i]) * float32(0.5-0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/width))
		}
		tr.forward(spectrum, x)
		bands := make([]float64, 15)
		for b := range bands {
			middle := 150 * math.Pow(2, float64(b)/3) * size / hal.Rate
			for k := math.Round(middle * math.Pow(2, -1./6)); k < math.Round(middle*math.Pow(2, 1./6)); k++ {
				bands[b] += float64(power(spectrum[int(k)]))
			}
			bands[b] = math.Sqrt(bands[b])
		}
		frames = append(frames, bands)
	}
	return frames
}

// What the instrument says of sound that is known.
func TestClarity(t *testing.T) {
	said, other := speech(t, 1, 4e9), speech(t, 1.2, 4e9)
	if c := clarity(said, said); c < 0.999 {
		t.Errorf("the same speech: %.3f", c)
	}
	slices.Reverse(other)
	if c := clarity(said, other); c > 0.2 {
		t.Errorf("other speech: %.3f", c)
	}
}
