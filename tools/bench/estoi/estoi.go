// Package estoi measures how well speech can be understood after something has been
// done to it: the extended short-time objective intelligibility of Jensen and Taal
// (2016), 1 for the speech itself, about 0 for something else.
//
// The published measure works at 10 kHz with frames of 25.6 ms; here the frames are as
// long, at the telephone's 16 kHz, of which nothing above 4.3 kHz counts either.
package estoi

import (
	"math"
	"math/cmplx"
)

// Rate is that of the sound, samples a second.
const Rate = 16000

// Of is the extended short-time objective intelligibility (Jensen and Taal 2016) of what
// was heard, aligned with what was said: the mean over segments of 30 frames of the
// correlation of both spectrograms in third octaves, normalised by rows and columns.
func Of(said, heard []int16) float64 {
	x, y := thirdOctaves(said), thirdOctaves(heard)
	loudest := 0.0
	loud := func(f []float64) (e float64) {
		for _, v := range f {
			e += v * v
		}
		return e
	}
	for _, f := range x {
		loudest = max(loudest, loud(f))
	}
	var xs, ys [][]float64 // without the pauses: 40 dB under the loudest
	for i := range min(len(x), len(y)) {
		if loud(x[i]) > loudest*1e-4 {
			xs, ys = append(xs, x[i]), append(ys, y[i])
		}
	}
	const n = 30
	sum, count := 0.0, 0
	for i := n; i <= len(xs); i += 5 {
		sum += dot(normalised(xs[i-n:i]), normalised(ys[i-n:i])) / n
		count++
	}
	return sum / float64(max(count, 1))
}

// normalised is a segment with the mean removed and the norm made 1, first of each band over
// time and then of each frame over the bands.
func normalised(frames [][]float64) []float64 {
	n, bands := len(frames), len(frames[0])
	m := make([]float64, n*bands)
	for i, f := range frames {
		copy(m[i*bands:], f)
	}
	unit := func(from, step, count int) {
		mean, norm := 0.0, 1e-20
		for i := range count {
			mean += m[from+i*step] / float64(count)
		}
		for i := range count {
			m[from+i*step] -= mean
			norm += m[from+i*step] * m[from+i*step]
		}
		for i := range count {
			m[from+i*step] /= math.Sqrt(norm)
		}
	}
	for b := range bands {
		unit(b, bands, n)
	}
	for i := range n {
		unit(i*bands, 1, bands)
	}
	return m
}

func dot(a, b []float64) (s float64) {
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

// thirdOctaves is the spectrogram in 15 bands from 150 Hz, frames of 25.6 ms.
func thirdOctaves(pcm []int16) (frames [][]float64) {
	const size, hop, width = 512, 205, 410
	for at := 0; at+width <= len(pcm); at += hop {
		x := make([]complex128, size)
		for i := range width {
			x[i] = complex(float64(pcm[at+i])*(0.5-0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/width)), 0)
		}
		fft(x)
		bands := make([]float64, 15)
		for b := range bands {
			center := 150 * math.Pow(2, float64(b)/3)
			low, high := center*math.Pow(2, -1./6), center*math.Pow(2, 1./6)
			e := 0.0
			for k := int(math.Round(low * size / Rate)); k < int(math.Round(high*size/Rate)); k++ {
				e += real(x[k] * cmplx.Conj(x[k]))
			}
			bands[b] = math.Sqrt(e)
		}
		frames = append(frames, bands)
	}
	return frames
}

func fft(x []complex128) {
	n := len(x)
	if n == 1 {
		return
	}
	even, odd := make([]complex128, n/2), make([]complex128, n/2)
	for i := range n / 2 {
		even[i], odd[i] = x[2*i], x[2*i+1]
	}
	fft(even)
	fft(odd)
	for k := range n / 2 {
		w := cmplx.Rect(1, -2*math.Pi*float64(k)/float64(n)) * odd[k]
		x[k], x[k+n/2] = even[k]+w, even[k]-w
	}
}
