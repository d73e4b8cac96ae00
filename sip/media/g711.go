package media

import "math/bits"

// g711 is ITU-T G.711: logarithmic 8-bit samples at 8 kHz.
type g711 struct {
	enc  func(int16) byte
	dec  *[256]int16
	down decimator
	up   interpolator
	tmp  [FrameSamples / 2]int16
}

func (g *g711) encode(dst []byte, pcm []int16) []byte {
	for len(pcm) >= 2 {
		n := min(len(pcm)/2, len(g.tmp))
		narrow := g.tmp[:n]
		g.down.convert(narrow, pcm[:2*n])
		for _, s := range narrow {
			dst = append(dst, g.enc(s))
		}
		pcm = pcm[2*n:]
	}
	return dst
}

func (g *g711) decode(dst []int16, payload []byte) []int16 {
	for len(payload) > 0 {
		n := min(len(payload), len(g.tmp))
		narrow := g.tmp[:n]
		for i, b := range payload[:n] {
			narrow[i] = g.dec[b]
		}
		dst = g.up.convert(dst, narrow)
		payload = payload[n:]
	}
	return dst
}

func (*g711) ticks(payload []byte) int { return len(payload) }

// The decoded value of each code word, scaled to 16 bits.
var (
	ulaw = table(decodeUlaw)
	alaw = table(decodeAlaw)
)

func table(decode func(byte) int16) (t [256]int16) {
	for i := range t {
		t[i] = decode(byte(i))
	}
	return t
}

// A code word is sign, three bits of segment, four of step. The u-law is sent with
// all bits inverted and its segments start at a bias of 33 (of 14 bits), which makes
// every segment a power of two: G.711, table 2.
const ulawBias = 33 << 2

func encodeUlaw(s int16) byte {
	m, sign := int(s), byte(0)
	if m < 0 {
		m, sign = -m, 0x80
	}
	m = min(m+ulawBias, 32767)
	segment := bits.Len16(uint16(m)) - 8
	return ^(sign | byte(segment<<4) | byte(m>>(segment+3)&0xF))
}

func decodeUlaw(b byte) int16 {
	b = ^b
	m := (int(b&0xF)<<3+ulawBias)<<(b>>4&7) - ulawBias
	if b&0x80 != 0 {
		m = -m
	}
	return int16(m)
}

// The A-law is sent with every second bit inverted; its sign bit is set for positive
// values, its first two segments have the same step: G.711, table 1.
func encodeAlaw(s int16) byte {
	m, sign := int(s), byte(0x80)
	if m < 0 {
		m, sign = ^m, 0
	}
	m >>= 4 // 12 bits of magnitude
	segment := max(bits.Len16(uint16(m))-4, 0)
	return (sign | byte(segment<<4) | byte(m>>max(segment-1, 0)&0xF)) ^ 0x55
}

func decodeAlaw(b byte) int16 {
	b ^= 0x55
	segment := b >> 4 & 7
	m := int(b&0xF)<<4 + 8 // the middle of the step
	if segment > 0 {
		m = (m + 0x100) << (segment - 1)
	}
	if b&0x80 == 0 {
		m = -m
	}
	return int16(m)
}
