package media

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"testing"
)

// TestG722Vector codes a fixed noise that falls in steps from full scale to nothing.
// The sums are those of another implementation's output for it.
func TestG722Vector(t *testing.T) {
	seed := uint32(1)
	pcm := make([]int16, 32000)
	for i := range pcm {
		seed = seed*1664525 + 1013904223
		pcm[i] = int16(seed>>16) >> (i/4000 + 2)
	}
	codes := newG722().encode(nil, pcm)
	if sum := crc32.ChecksumIEEE(codes); sum != 0xad64d833 {
		t.Errorf("codes %#08x", sum)
	}
	var b []byte
	for _, s := range newG722().decode(nil, codes) {
		b = binary.BigEndian.AppendUint16(b, uint16(s))
	}
	if sum := crc32.ChecksumIEEE(b); sum != 0x0ebf8c04 {
		t.Errorf("sound %#08x", sum)
	}
}

// TestG722Wideband: what a telephone line cuts off comes through.
func TestG722Wideband(t *testing.T) {
	for _, f := range []float64{100, 1000, 3900, 5000, 6500} {
		in := tone(f, 50*FrameSamples)
		out := newG722().decode(nil, newG722().encode(nil, in))
		if got := 10 * math.Log10(power(out[FrameSamples:])/power(in[FrameSamples:])); math.Abs(got) > 1 {
			t.Errorf("%g Hz comes back at %.2f dB", f, got)
		}
		if c, _ := compare(in, out); c < 0.98 {
			t.Errorf("%g Hz: correlation %.3f", f, c)
		}
	}
}

func BenchmarkG722(b *testing.B) {
	enc, dec := newG722(), newG722()
	said := speech(Frame, 1)
	payload := make([]byte, 0, frameTicks)
	out := make([]int16, 0, FrameSamples)
	b.ReportAllocs()
	for b.Loop() {
		dec.decode(out, enc.encode(payload, said))
	}
}
