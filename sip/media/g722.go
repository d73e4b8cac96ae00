package media

// g722 is ITU-T G.722 at 64 kbit/s (mode 1): sound to 7 kHz in the bit rate of G.711. A
// pair of mirror filters parts the sound into two bands of 8 kHz, each coded by
// adaptive differential PCM: 6 bits of each octet for the lower, 2 for the upper.
//
//	 7   6   5   4   3   2   1   0
//	+-------+-----------------------+
//	| upper |         lower         |
//	+-------+-----------------------+
//
// Names of steps in capitals are the Recommendation's.
type g722 struct {
	qmf          [24]int // samples in the mirror filter
	lower, upper band
}

func newG722() *g722 {
	return &g722{lower: band{det: 32}, upper: band{det: 8}}
}

func (g *g722) encode(dst []byte, pcm []int16) []byte {
	for i := 0; i+1 < len(pcm); i += 2 {
		b, a := g.filter(int(pcm[i]), int(pcm[i+1]))
		low := g.lower.encodeLow((a + b) >> 14)
		high := g.upper.encodeHigh((a - b) >> 14)
		dst = append(dst, byte(high<<6|low))
	}
	return dst
}

func (g *g722) decode(dst []int16, payload []byte) []int16 {
	for _, code := range payload {
		low := g.lower.decodeLow(int(code & 0x3F))
		high := g.upper.decodeHigh(int(code >> 6))
		first, second := g.filter(low+high, low-high)
		dst = append(dst, int16(saturate(second>>11)), int16(saturate(first>>11)))
	}
	return dst
}

func (*g722) ticks(payload []byte) int { return len(payload) }

// filter takes two samples into the mirror filter and returns the sums of its two
// phases, section 3.1 and 4.4.
func (g *g722) filter(a, b int) (even, odd int) {
	copy(g.qmf[:], g.qmf[2:])
	g.qmf[22], g.qmf[23] = a, b
	for i, c := range mirror {
		even += g.qmf[2*i] * c
		odd += g.qmf[2*i+1] * mirror[len(mirror)-1-i]
	}
	return even, odd
}

// band is the adaptive predictor and quantiser of one band.
type band struct {
	nb, det int    // step size, logarithmic and linear
	s       int    // prediction of the next sample
	sz      int    // its part by the zeros
	r1      int    // the reconstructed sample before
	p1, p2  int    // partly reconstructed samples before
	a1, a2  int    // coefficients of the poles
	d       [6]int // differences before
	b       [6]int // coefficients of the zeros
}

func (b *band) encodeLow(x int) int {
	e := saturate(x - b.s)
	m := e
	if e < 0 {
		m = ^e
	}
	i := 1 // QUANTL
	for i < len(quant6) && m >= quant6[i]*b.det>>12 {
		i++
	}
	// Codes run down from 61 for positive differences, and from 31 for negative
	// ones except the two nearest to zero, which are 63 and 62.
	code := 62 - i
	switch {
	case e < 0 && i <= 2:
		code = 64 - i
	case e < 0:
		code = 34 - i
	}
	b.adaptLow(code)
	return code
}

func (b *band) decodeLow(code int) int {
	r := b.s + b.det*inverse6(code)>>15
	b.adaptLow(code)
	return min(max(r, -16384), 16383) // LIMIT
}

// adaptLow goes on with the 4 upper bits of the code alone, so that the other two
// may be robbed on the way for data.
func (b *band) adaptLow(code int) {
	i := code >> 2
	d := b.det * inverse4[i] >> 15
	b.step(scaleLow[i], 18432, 8)
	b.predict(d)
}

func (b *band) encodeHigh(x int) int {
	e := saturate(x - b.s)
	m := e
	if e < 0 {
		m = ^e
	}
	code := 3 // QUANTH
	if m >= 564*b.det>>12 {
		code = 2
	}
	if e < 0 {
		code -= 2
	}
	b.adaptHigh(code)
	return code
}

func (b *band) decodeHigh(code int) int {
	s := b.s
	r := s + b.adaptHigh(code)
	return min(max(r, -16384), 16383)
}

func (b *band) adaptHigh(code int) (d int) {
	d = b.det * inverse2[code] >> 15
	b.step(scaleHigh[code&1], 22528, 10)
	b.predict(d)
	return d
}

// step adapts the step size: LOGSCL and SCALEL, or LOGSCH and SCALEH.
func (b *band) step(by, limit, shift int) {
	b.nb = min(max(b.nb*127>>7+by, 0), limit)
	mantissa := exponential[b.nb>>6&31]
	if shift -= b.nb >> 11; shift >= 0 {
		b.det = mantissa >> shift << 2
	} else {
		b.det = mantissa << -shift << 2
	}
}

// predict adapts the predictor to the difference that was coded, and predicts the
// next sample: section 3.6.
func (b *band) predict(d int) {
	r, p := saturate(b.s+d), saturate(b.sz+d) // RECONS, PARREC

	// UPPOL2: sign agreement moves the second pole's coefficient.
	toward := saturate(b.a1 << 2)
	if same(p, b.p1) {
		toward = min(-toward, 32767)
	}
	a2 := toward>>7 - 128 + b.a2*32512>>15
	if same(p, b.p2) {
		a2 += 256
	}
	a2 = min(max(a2, -12288), 12288)

	// UPPOL1, kept where the filter is stable.
	a1 := b.a1*32640>>15 - 192
	if same(p, b.p1) {
		a1 += 384
	}
	limit := saturate(15360 - a2)
	a1 = min(max(saturate(a1), -limit), limit)

	// UPZERO
	gain := 128
	if d == 0 {
		gain = 0
	}
	for i := range b.b {
		c := b.b[i] * 32640 >> 15
		if same(d, b.d[i]) {
			c += gain
		} else {
			c -= gain
		}
		b.b[i] = saturate(c)
	}

	copy(b.d[1:], b.d[:5])
	b.d[0] = d
	// FILTEP: the poles see the last two reconstructed samples.
	sp := saturate(a1*saturate(2*r)>>15 + a2*saturate(2*b.r1)>>15)
	b.r1, b.p2, b.p1, b.a1, b.a2 = r, b.p1, p, a1, a2
	b.sz = 0 // FILTEZ
	for i := range b.b {
		b.sz += b.b[i] * saturate(2*b.d[i]) >> 15
	}
	b.sz = saturate(b.sz)
	b.s = saturate(sp + b.sz) // PREDIC
}

// same reports whether two values have the same sign; zero is positive.
func same(a, b int) bool { return (a < 0) == (b < 0) }

func saturate(x int) int { return min(max(x, -32768), 32767) }

// inverse6 is the output of the 60-level quantiser, table 17 of the Recommendation:
// from code 4 the negative values, from 32 the positive ones, and last the two negative
// ones nearest to zero.
func inverse6(code int) int {
	switch {
	case code < 4:
		return -136 // not sent
	case code < 32:
		return -output6[code-4]
	case code < 62:
		return output6[code-32]
	}
	return -output6[code-62+28]
}

// Tables of the Recommendation, section 6.
var (
	mirror  = [12]int{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11}
	quant6  = [30]int{0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919}
	output6 = [30]int{24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136}

	inverse4 = [16]int{0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0}
	inverse2 = [4]int{-7408, -1616, 7408, 1616}

	scaleLow  = [16]int{-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60}
	scaleHigh = [2]int{798, -214}

	exponential = [32]int{2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
		2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008}
)
