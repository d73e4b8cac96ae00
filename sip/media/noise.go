package media

import "math"

// RFC 3389: while nobody speaks nothing is sent but, now and then, the level of the
// room's noise; the other side makes noise of that level.

const (
	noiseEvery = 10               // frames between two packets of an unchanged level: 200 ms
	noiseTell  = 3                // dB of change that are told at once
	noiseFloor = 75               // -dBov: softer than this is silence
	hangover   = 15               // frames still sent as speech after the last of it: 300 ms
	speechOver = 4.0              // power above the noise that is speech: 6 dB
	noiseLeast = 30.0 * 30.0      // power below which nothing is speech: -61 dBov
	fullPower  = 32767.0 * 32767. // 0 dBov: RFC 3389, section 3
)

// detector tells speech from the noise of the room by its power, frame by frame.
type detector struct {
	noise   float64 // power, follows the quiet moments
	after   int     // frames of hangover left
	silent  int     // frames of silence until now
	told    int     // level sent last, -dBov
	started bool
}

// step takes a packet's sound. It is to be sent as speech, or the noise level be told
// instead, or nothing be sent.
func (d *detector) step(pcm []int16, frames int) (speech, tell bool) {
	p := meanPower(pcm)
	if !d.started {
		d.started, d.noise, d.after = true, max(p, noiseLeast), hangover
	}
	if p < d.noise {
		d.noise += (p - d.noise) / 4
	} else {
		d.noise += min((p-d.noise)/256, d.noise/64) // speech must not teach it much
	}
	d.noise = max(d.noise, 1)
	if p > speechOver*d.noise && p > noiseLeast {
		d.after = hangover
	}
	if d.after > 0 {
		d.after -= frames
		d.silent = 0
		return true, false
	}
	level := d.level()
	tell = d.silent%noiseEvery == 0 || level-d.told >= noiseTell || d.told-level >= noiseTell
	d.silent += frames
	if tell {
		d.told = level
	}
	return false, tell
}

// level is the noise in -dBov, as it is sent: section 3.
func (d *detector) level() int {
	return min(max(int(math.Round(-10*math.Log10(d.noise/fullPower))), 0), 127)
}

func meanPower(pcm []int16) float64 {
	sum := int64(0)
	for _, s := range pcm {
		sum += int64(s) * int64(s)
	}
	return float64(sum) / float64(max(len(pcm), 1))
}

// room makes the noise of the other side's room.
type room struct {
	on     bool
	aim, g float32 // peak of the noise wanted and of that being made
	last   float32
	seed   uint32
}

// set takes a payload: the level, and perhaps a spectrum, which is not used: section 3.1.
func (r *room) set(payload []byte) {
	level := payload[0] & 0x7F
	r.aim = 0
	if level < noiseFloor {
		// Uniform noise of peak a has power a*a/3; the filter below leaves a third.
		r.aim = float32(32767 * 3 * math.Pow(10, -float64(level)/20))
	}
	if !r.on {
		r.on, r.g = true, r.aim
	}
	r.aim = min(r.aim, 3000) // nobody's room is louder
	r.g = min(r.g, 3000)
}

// fill makes noise, softer towards the treble as that of rooms is.
func (r *room) fill(pcm []int16) {
	for i := range pcm {
		r.g += (r.aim - r.g) / 512
		r.seed = r.seed*1664525 + 1013904223
		x := r.g * (float32(int32(r.seed)) / (1 << 31))
		r.last += (x - r.last) / 2
		pcm[i] = int16(r.last)
	}
}
