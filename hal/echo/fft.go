package echo

import "math"

// transform is the discrete Fourier transform of size real samples, by that of half
// as many complex ones (Stockham, mixed radix). Its memory is its own: it belongs to
// one goroutine.
type transform struct {
	stages []stage
	split  []complex64 // e^(-2 pi i k / size)
	a, b   []complex64 // of size/2
}

// stage is one pass of a radix over the data.
type stage struct {
	radix, m, stride int
	twiddle          []complex64 // [p*radix+k]: e^(-2 pi i p k / (m*radix))
	roots            []complex64 // [j*radix+k]: e^(-2 pi i j k / radix)
}

func unit(turns float64) complex64 {
	sin, cos := math.Sincos(2 * math.Pi * turns)
	return complex(float32(cos), float32(sin))
}

// newTransform is for sizes that are twice a product of 2, 3, 4 and 5.
func newTransform(size int) *transform {
	half := size / 2
	t := &transform{a: make([]complex64, half), b: make([]complex64, half)}
	for k := range half + 1 {
		t.split = append(t.split, unit(-float64(k)/float64(size)))
	}
	stride := 1
	for n := half; n > 1; {
		radix := 0
		for _, r := range []int{4, 5, 3, 2} {
			if n%r == 0 {
				radix = r
				break
			}
		}
		if radix == 0 {
			panic("BUG: echo: size of a transform")
		}
		s := stage{radix: radix, m: n / radix, stride: stride}
		for p := range s.m {
			for k := range radix {
				s.twiddle = append(s.twiddle, unit(-float64(p*k)/float64(n)))
			}
		}
		for j := range radix {
			for k := range radix {
				s.roots = append(s.roots, unit(-float64(j*k)/float64(radix)))
			}
		}
		t.stages = append(t.stages, s)
		n, stride = s.m, stride*radix
	}
	return t
}

// run transforms t.a in place.
func (t *transform) run() {
	x, y := t.a, t.b
	for i := range t.stages {
		if s := &t.stages[i]; s.radix == 4 {
			s.pass4(x, y)
		} else {
			s.pass(x, y)
		}
		x, y = y, x
	}
	t.a, t.b = x, y
}

func (s *stage) pass(x, y []complex64) {
	r := s.radix
	for p := range s.m {
		w := s.twiddle[p*r : (p+1)*r]
		for q := range s.stride {
			for k := range r {
				root := s.roots[k*r : (k+1)*r]
				var sum complex64
				for j := range r {
					sum += x[q+s.stride*(p+s.m*j)] * root[j]
				}
				y[q+s.stride*(r*p+k)] = sum * w[k]
			}
		}
	}
}

func (s *stage) pass4(x, y []complex64) {
	for p := range s.m {
		w := s.twiddle[p*4 : p*4+4]
		for q := range s.stride {
			a, b := x[q+s.stride*p], x[q+s.stride*(p+s.m)]
			c, d := x[q+s.stride*(p+2*s.m)], x[q+s.stride*(p+3*s.m)]
			ac, bd := a+c, b+d
			am, bm := a-c, b-d
			bm = complex(imag(bm), -real(bm)) // times -i
			to := y[q+s.stride*4*p:]
			to[0] = ac + bd
			to[s.stride] = (am + bm) * w[1]
			to[2*s.stride] = (ac - bd) * w[2]
			to[3*s.stride] = (am - bm) * w[3]
		}
	}
}

// forward sets spectrum, of size/2+1 bins, to that of x.
func (t *transform) forward(spectrum []complex64, x []float32) {
	half := len(t.a)
	for i := range half {
		t.a[i] = complex(x[2*i], x[2*i+1])
	}
	t.run()
	for k := range half + 1 {
		z, c := t.a[k%half], t.a[(half-k)%half]
		c = complex(real(c), -imag(c))
		even, odd := (z+c)/2, (z-c)/2
		odd = complex(imag(odd), -real(odd))
		spectrum[k] = even + odd*t.split[k]
	}
}

// inverse sets x to what has that spectrum.
func (t *transform) inverse(x []float32, spectrum []complex64) {
	half := len(t.a)
	for k := range half {
		z, c := spectrum[k], spectrum[half-k]
		c = complex(real(c), -imag(c))
		w := complex(real(t.split[k]), -imag(t.split[k]))
		even, odd := z+c, (z-c)*w
		z = even + complex(-imag(odd), real(odd))
		t.a[k] = complex(real(z), -imag(z)) // the inverse by the transform of the conjugate
	}
	t.run()
	scale := 1 / float32(2*half)
	for i := range half {
		x[2*i], x[2*i+1] = real(t.a[i])*scale, -imag(t.a[i])*scale
	}
}
