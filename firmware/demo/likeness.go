package demo

import (
	"math"
	"time"

	"chordophone/hal"
)

// likeness finds where want is heard in got and how alike the two are there:
// the normalised cross-correlation, 1 for the same sound at any level, and the
// offset in samples. Both have the same rate.
//
// The loudest stretch gives the place; the likeness is then taken over the whole
// of want there, so that a cut, a gap or a shift in the middle shows.
func likeness(want, got []int16) (peak float64, at int) {
	const coarse = 4 // the place is looked for at a quarter of the rate
	if len(got) < len(want) || len(want) < 8*coarse {
		return 0, 0
	}
	small := decimate(want, coarse)
	head, from := loudest(small, len(small)/8)
	place := (bestLag(head, decimate(got, coarse)) - from) * coarse

	last := len(got) - len(want)
	for lag := max(0, place-2*coarse); lag <= min(last, place+2*coarse); lag++ {
		if c := correlation(want, got[lag:lag+len(want)]); c > peak {
			peak, at = c, lag
		}
	}
	return peak, at
}

// length is how long a sound at hal.Rate lasts.
func length(pcm []int16) time.Duration {
	return time.Duration(len(pcm)) * time.Second / hal.Rate
}

// decimate averages every n samples into one.
func decimate(x []int16, n int) []int16 {
	out := make([]int16, len(x)/n)
	for i := range out {
		sum := 0
		for _, v := range x[i*n : (i+1)*n] {
			sum += int(v)
		}
		out[i] = int16(sum / n)
	}
	return out
}

// loudest is the stretch of n samples with the most energy.
func loudest(x []int16, n int) (stretch []int16, from int) {
	var sum, best int64 = 0, -1
	for i, v := range x {
		sum += int64(v) * int64(v)
		if i >= n {
			sum -= int64(x[i-n]) * int64(x[i-n])
		}
		if i >= n-1 && sum > best {
			best, from = sum, i-n+1
		}
	}
	return x[from : from+n], from
}

// bestLag is where in hay the needle fits best.
func bestLag(needle, hay []int16) (lag int) {
	best := -1.0
	for i := range len(hay) - len(needle) + 1 {
		if c := correlation(needle, hay[i:i+len(needle)]); c > best {
			best, lag = c, i
		}
	}
	return lag
}

// correlation is the normalised correlation of two stretches of equal length.
func correlation(a, b []int16) float64 {
	var ab, aa, bb int64
	for i, x := range a {
		y := int64(b[i])
		ab += int64(x) * y
		aa += int64(x) * int64(x)
		bb += y * y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return float64(ab) / math.Sqrt(float64(aa)*float64(bb))
}
