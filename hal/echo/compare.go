package echo

import "math"

// verdict is how the filter in the background does.
type verdict int

const (
	alike verdict = iota
	backBetter
	backWorse
)

// comparison tells whether the filter in the background leaves less than the one that
// is heard, over one block, some and many: a difference counts when it is large against
// what chance makes of it.
type comparison struct {
	gain   [2]float32 // what background leaves less
	spread [2]float32
}

// memory of the two averages.
var weights = [2]float32{0.4, 0.15}

func (c *comparison) look(front, back *filterOut) verdict {
	f, b := energy(&front.rest), energy(&back.rest)
	diff := float32(1)
	for i := range front.rest {
		d := front.rest[i] - back.rest[i]
		diff += d * d
	}
	gain, chance := f-b, f*diff
	for i, w := range weights {
		c.gain[i] += w * (gain - c.gain[i])
		c.spread[i] = (1-w)*(1-w)*c.spread[i] + w*w*chance
	}
	better := signedSquare(gain) > chance
	better = better || signedSquare(c.gain[0]) > 0.5*c.spread[0]
	better = better || signedSquare(c.gain[1]) > 0.25*c.spread[1]
	if better {
		*c = comparison{}
		return backBetter
	}
	worse := signedSquare(gain) < -4*chance
	worse = worse || signedSquare(c.gain[0]) < -4*c.spread[0]
	worse = worse || signedSquare(c.gain[1]) < -4*c.spread[1]
	if worse {
		*c = comparison{}
		return backWorse
	}
	return alike
}

func signedSquare(x float32) float32 { return x * abs(x) }

func abs(x float32) float32 { return max(x, -x) }

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// suppressor makes what is left quieter while it is mostly echo.
type suppressor struct {
	rest, echo float32 // powers, averaged over some blocks
	gain       float32
	least      float32 // gain
}

const (
	quietest = 0.25 // -12 dB
	doubt    = 2    // how much more of the echo may be left than was estimated
	attack   = 0.5
	release  = 0.2
	harm     = 1.5 // how much more than the microphone a filter may leave, for what is heard at random times
)

// look returns the gain at the begin and the end of a block of the microphone, of which
// the filter leaves rest, of which echo is what is thought to be left of it.
func (s *suppressor) look(mic, rest, echo float32) (from, to float32) {
	s.rest += 0.4 * (rest - s.rest)
	s.echo += 0.4 * (echo - s.echo)
	want := max(s.least, 1-doubt*s.echo/(s.rest+1))
	from = s.gain
	speed := float32(release)
	if want > s.gain {
		speed = attack // who begins to speak here is heard at once
	}
	s.gain += speed * (want - s.gain)
	if rest > harm*mic {
		s.gain = min(s.gain, sqrt(harm*mic/rest))
		from = min(from, s.gain)
	}
	return from, s.gain
}
