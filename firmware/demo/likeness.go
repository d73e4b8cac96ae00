package demo

import (
	"math"
	"time"

	"chordophone/hal"
)

// Likeness finds where want is heard in got and how alike the two are there: 1
// for the same sound at any level, less for what is cut, garbled or missing.
//
// The loudest stretch gives the place. From there on, and back, the sentence is compared
// piece by piece, each by its best normalised correlation within a tenth of a second of
// where the piece before it was found, for a jitter buffer may stretch a pause, and
// another one; pieces count by their energy.
func Likeness(want, got []int16) (alike float64, at int) {
	const (
		coarse = 4 // the place is looked for at a quarter of the rate
		piece  = hal.Rate / 4
		drift  = hal.Rate / 10
		found  = 0.7
	)
	if len(got) < len(want) || len(want) < piece {
		return 0, 0
	}
	small := decimate(want, coarse)
	head, from := loudest(small, len(small)/8)
	lag, _ := bestFit(head, decimate(got, coarse))
	at = (lag - from) * coarse

	var sum, whole float64
	compare := func(i, lag int) int {
		stretch := want[i : i+piece]
		weight := energy(stretch)
		whole += weight
		low, high := max(0, i+lag-drift), min(len(got), i+lag+piece+drift)
		if high-low < piece {
			return lag
		}
		place, c := bestFit(stretch, got[low:high])
		sum += weight * c
		if c < found {
			return lag
		}
		return low + place - i
	}
	first := min(from*coarse, len(want)-piece) / piece * piece
	for i, lag := first, at; i+piece <= len(want); i += piece {
		lag = compare(i, lag)
	}
	for i, lag := first-piece, at; i >= 0; i -= piece {
		lag = compare(i, lag)
	}
	if whole == 0 {
		return 0, at
	}
	return sum / whole, max(0, at)
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

// bestFit is where in hay the needle fits best, and how well.
func bestFit(needle, hay []int16) (lag int, best float64) {
	for i := range len(hay) - len(needle) + 1 {
		if c := correlation(needle, hay[i:i+len(needle)]); c > best {
			best, lag = c, i
		}
	}
	return lag, best
}

func energy(x []int16) (sum float64) {
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
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
