package audio

import (
	"math"
	"slices"
	"time"

	"chordophone/hal"
	"chordophone/tools/bench/estoi"
)

// piece is how much sound is looked for at a time: a jitter buffer may move it.
const piece = 400 * time.Millisecond

// grain is what is silent or not: 20 ms, in samples.
const grain = hal.Rate / 50

// found is a piece of what was said, and where it was heard.
type found struct {
	at    int // in what was said, samples
	later int // in what was heard, by so many
}

// locate finds the pieces of what was said that are loud enough to be found, and that were
// heard at all. Both begin at the same time; nothing is heard before it is said, or more than
// longest later.
func locate(said, heard []int16, longest time.Duration) (pieces []found) {
	const coarse = 4 // looked for at a quarter of the rate, then near by at the whole
	n, reach := samples(piece), samples(longest)
	small, smallHeard := thin(said, coarse), thin(heard, coarse)
	loudest := 0.0
	for at := 0; at+n <= len(said); at += n {
		loudest = max(loudest, power(said[at:at+n]))
	}
	for at := 0; at+n+reach <= len(heard) && at+n <= len(said); at += n {
		if power(said[at:at+n]) < loudest/100 {
			continue
		}
		rough, _ := fit(small[at/coarse:(at+n)/coarse], smallHeard[at/coarse:(at+n+reach)/coarse])
		low := max(0, rough*coarse-2*coarse)
		high := min(rough*coarse+2*coarse, reach)
		fine, alike := fit(said[at:at+n], heard[at+low:at+n+high])
		if alike > 0.6 {
			pieces = append(pieces, found{at, low + fine})
		}
	}
	return pieces
}

// delay is the median of those of the pieces between two times of what was said.
func delay(pieces []found, from, to time.Duration) (d time.Duration, some bool) {
	var all []int
	for _, p := range pieces {
		if p.at >= samples(from) && p.at < samples(to) {
			all = append(all, p.later)
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	slices.Sort(all)
	return time.Duration(all[len(all)/2]) * time.Second / hal.Rate, true
}

// judge compares what was heard of the first part of what was said: how well it is
// understood, and how much of it is silence where something was said, in percent of its
// frames.
func judge(said, heard []int16, pieces []found, part time.Duration) (clear, silent float64) {
	n := min(len(said), samples(part))
	moved := make([]int16, 0, n)
	next := 0
	later := 0
	if len(pieces) > 0 {
		later = pieces[0].later
	}
	for at := 0; at < n; at += grain {
		for next < len(pieces) && pieces[next].at <= at {
			later = pieces[next].later
			next++
		}
		for i := at; i < min(at+grain, n); i++ {
			s := int16(0)
			if i+later < len(heard) {
				s = heard[i+later]
			}
			moved = append(moved, s)
		}
	}
	const loud, quiet = 328 * 328, 49 // a hundredth of full scale, RMS; a peak that nobody hears
	spoken, lost := 0, 0
	for at := 0; at+grain <= n; at += grain {
		if power(said[at:at+grain]) < loud {
			continue
		}
		spoken++
		if peak(moved[at:at+grain]) < quiet {
			lost++
		}
	}
	return estoi.Of(said[:n], moved), 100 * float64(lost) / float64(max(spoken, 1))
}

func samples(d time.Duration) int { return int(d * hal.Rate / time.Second) }

// thin averages every n samples.
func thin(x []int16, n int) []int16 {
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

// fit is where in hay the needle fits best, and how well: the normalised correlation.
func fit(needle, hay []int16) (at int, best float64) {
	var nn, hh float64
	for _, v := range needle {
		nn += float64(v) * float64(v)
	}
	for _, v := range hay[:len(needle)] {
		hh += float64(v) * float64(v)
	}
	for i := 0; ; i++ {
		var nh int64
		for j, v := range needle {
			nh += int64(v) * int64(hay[i+j])
		}
		if c := float64(nh) / math.Sqrt(nn*hh+1); c > best {
			at, best = i, c
		}
		if i+len(needle) >= len(hay) {
			return at, best
		}
		hh += float64(hay[i+len(needle)])*float64(hay[i+len(needle)]) - float64(hay[i])*float64(hay[i])
	}
}

func power(x []int16) (p float64) {
	for _, v := range x {
		p += float64(v) * float64(v)
	}
	return p / float64(max(len(x), 1))
}

func peak(x []int16) (p int) {
	for _, v := range x {
		p = max(p, int(v), -int(v))
	}
	return p
}
