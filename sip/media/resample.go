package media

import "math"

// Conversion between 16 kHz and 8 kHz, by one half-band low-pass filter in polyphase
// form. Every second coefficient beside the middle one is zero, so one of its two
// phases is a mere delay. It passes to 3.4 kHz, stops from 4.6 kHz, and delays by
// halfDelay samples of 16 kHz.
const (
	halfTaps  = 47
	halfDelay = halfTaps / 2
	halfPhase = (halfTaps + 1) / 2 // coefficients of the other phase: numbers 0, 2, 4 ...
)

var half = halfBand()

// halfBand designs the phase that is not a delay: a sinc at a quarter of the rate
// under a Kaiser window, scaled so that zero frequency passes unchanged.
func halfBand() (h [halfPhase]float32) {
	const beta = 5.3 // about 56 dB
	var c [halfPhase]float64
	sum := 0.0
	for i := range c {
		t := float64(2*i - halfDelay)
		r := t / (halfDelay + 1)
		c[i] = math.Sin(math.Pi*t/2) / (math.Pi * t) * bessel0(beta*math.Sqrt(1-r*r)) / bessel0(beta)
		sum += c[i]
	}
	for i := range c {
		h[i] = float32(c[i] / sum / 2) // with the middle's one half: 1
	}
	return h
}

// bessel0 is the modified Bessel function of the first kind and order zero.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= (x / (2 * k)) * (x / (2 * k))
		sum += term
	}
	return sum
}

// decimator halves the rate.
type decimator struct {
	buf [halfTaps - 1 + FrameSamples]float32 // the past, then the frame
}

// convert fills dst from twice as many samples, at most a frame of them.
func (d *decimator) convert(dst, src []int16) {
	in := d.buf[halfTaps-1:]
	for i, s := range src {
		in[i] = float32(s)
	}
	for m := range dst {
		x := d.buf[2*m+1 : 2*m+1+halfTaps]
		acc := x[halfDelay] / 2
		for j := range half {
			acc += half[j] * x[2*j] // symmetric: the order does not matter
		}
		dst[m] = clip(acc)
	}
	copy(d.buf[:halfTaps-1], d.buf[len(src):])
}

// interpolator doubles the rate.
type interpolator struct {
	buf [halfPhase - 1 + FrameSamples/2]float32
}

// convert appends twice as many samples, of at most half a frame.
func (u *interpolator) convert(dst, src []int16) []int16 {
	in := u.buf[halfPhase-1:]
	for i, s := range src {
		in[i] = float32(s)
	}
	for m := range src {
		x := u.buf[m : m+halfPhase]
		var acc float32
		for j := range half {
			acc += half[j] * x[j]
		}
		dst = append(dst, clip(2*acc), clip(x[halfPhase/2]))
	}
	copy(u.buf[:halfPhase-1], u.buf[len(src):])
	return dst
}

func clip(x float32) int16 {
	switch {
	case x >= 32767:
		return 32767
	case x <= -32768:
		return -32768
	case x >= 0:
		return int16(x + 0.5)
	}
	return int16(x - 0.5)
}
