package media

import "math"

// concealer makes up sound for packets that did not come, from what was played
// before: it repeats the last pitch periods and fades to silence within 60 ms, the
// method of ITU-T G.711, appendix I. It also shortens sound by a pitch period, which
// is the same search. The search runs on 16 kHz sound.
type concealer struct {
	past [pastLen]int16 // the last sound played, oldest first
	tail [pastLen]int16 // of it, what is being repeated
	lag  int            // pitch period, samples
	pos  int            // place in the period
	step int            // from the sound made up to the last sample played, at the join
	lost int            // samples made up since the last real ones, at most fadeEnd
}

const (
	minLag    = 40  // 400 Hz
	maxLag    = 240 // 67 Hz
	matchLen  = 320 // samples compared: 20 ms
	pastLen   = maxLag*3 + matchLen
	blendLen  = 64               // 4 ms: real sound fades in over the made-up
	fadeStart = 10 * Rate / 1000 // full loudness until here
	fadeEnd   = 60 * Rate / 1000 // silence from here
)

// played remembers sound.
func (c *concealer) played(pcm []int16) {
	if len(pcm) >= pastLen {
		copy(c.past[:], pcm[len(pcm)-pastLen:])
		return
	}
	copy(c.past[:], c.past[len(pcm):])
	copy(c.past[pastLen-len(pcm):], pcm)
}

// conceal fills pcm with made-up sound.
func (c *concealer) conceal(pcm []int16) {
	if c.lost == 0 {
		c.begin()
	}
	c.fill(pcm)
	c.played(pcm)
}

// begin finds the period and joins its end smoothly to its beginning.
func (c *concealer) begin() {
	c.lag = c.pitch()
	c.pos = 0
	c.step = int(c.past[pastLen-1]) - int(c.past[pastLen-1-c.lag])
	c.tail = c.past
	// What comes before the last period leads into its first sample; blending it
	// over the period's last quarter makes the period repeat without a step.
	n := c.lag / 4
	for i := range n {
		at := pastLen - n + i
		a, b := int(c.past[at]), int(c.past[at-c.lag])
		c.tail[at] = int16((a*(n-1-i) + b*(i+1)) / n)
	}
}

// fill continues the repetition. One period alone would buzz, so a longer loss repeats
// two, then three.
func (c *concealer) fill(pcm []int16) {
	for i := range pcm {
		periods := 1 + min(c.lost/fadeStart, 2)
		loop := c.lag * periods
		if c.pos >= loop {
			c.pos = 0
		}
		s := int(c.tail[pastLen-loop+c.pos])
		if c.lost < blendLen {
			s += c.step * (blendLen - c.lost) / blendLen
		}
		c.pos++
		c.lost = min(c.lost+1, fadeEnd)
		switch {
		case c.lost >= fadeEnd:
			s = 0
		case c.lost > fadeStart:
			s = s * (fadeEnd - c.lost) / (fadeEnd - fadeStart)
		}
		pcm[i] = clip(float32(s))
	}
}

// resume blends real sound into the made-up that it follows, and remembers it.
func (c *concealer) resume(pcm []int16) {
	if c.lost > 0 {
		var made [blendLen]int16
		n := min(len(pcm), blendLen)
		c.fill(made[:n])
		for i := range n {
			pcm[i] = int16((int(made[i])*(n-i) + int(pcm[i])*i) / n)
		}
		c.lost = 0
	}
	c.played(pcm)
}

// pitch is the lag at which the last sound is most like what came before it. The
// search goes over every second sample and lag, then looks beside the best.
func (c *concealer) pitch() int {
	best, lag := 0.0, maxLag
	try := func(l, step int) {
		if s := similarity(c.past[pastLen-matchLen:], c.past[pastLen-matchLen-l:], matchLen, step); s > best {
			best, lag = s, l
		}
	}
	for l := minLag; l <= maxLag; l += 2 {
		try(l, 2)
	}
	coarse := lag
	best = 0
	for l := max(coarse-1, minLag); l <= min(coarse+1, maxLag); l++ {
		try(l, 1)
	}
	return lag
}

// similarity is the normalised correlation of the first n samples, negative for none.
func similarity(a, b []int16, n, step int) float64 {
	var ab, aa, bb int64
	for i := 0; i < n; i += step {
		x, y := int64(a[i]), int64(b[i])
		ab += x * y
		aa += x * x
		bb += y * y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return float64(ab) / math.Sqrt(float64(aa)*float64(bb))
}

// shorten removes one pitch period of at most limit samples from the front of pcm by
// blending the sound with itself a period later, and returns what is left. Unless
// force, it does so only where that is not heard; else it returns pcm as it is.
func shorten(pcm []int16, limit int, force bool) []int16 {
	limit = min(limit, maxLag, len(pcm)/2)
	if limit < minLag {
		return pcm
	}
	best, lag := -1.0, limit
	for l := minLag; l <= limit; l++ {
		if s := similarity(pcm, pcm[l:], len(pcm)/2, 2); s > best {
			best, lag = s, l
		}
	}
	if best < 0.85 && !force && !quiet(pcm) {
		return pcm
	}
	n := len(pcm) / 2 // samples over which it blends
	out := pcm[lag:]
	for i := n - 1; i >= 0; i-- { // backwards: out lies over pcm
		out[i] = int16((int(pcm[i])*(n-i) + int(out[i])*i) / n)
	}
	return out
}

// stretch inserts one pitch period at the front of the first n samples of buf, by
// playing the first ones and then, blended over, them once more, and returns how many
// there are then. Unless force, it does so only where that is not heard; it may find
// no room or no place, and returns n.
func stretch(buf []int16, n int, force bool) int {
	pcm := buf[:n]
	limit := min(maxLag, n/2, len(buf)-n)
	if limit < minLag {
		return n
	}
	best, lag := -1.0, limit
	for l := minLag; l <= limit; l++ {
		if s := similarity(pcm, pcm[l:], n/2, 2); s > best {
			best, lag = s, l
		}
	}
	if best < 0.85 && !force && !quiet(pcm) {
		return n
	}
	blend := n / 2
	for i := n - 1; i >= 0; i-- { // backwards: the longer sound lies over pcm
		s := buf[i]
		if i < blend {
			s = int16((int(buf[lag+i])*(blend-i) + int(s)*i) / blend)
		}
		buf[lag+i] = s
	}
	return n + lag
}

// quiet reports whether sound is below about -50 dB of full scale.
func quiet(pcm []int16) bool {
	for _, s := range pcm {
		if s > 100 || s < -100 {
			return false
		}
	}
	return true
}
