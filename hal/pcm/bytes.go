package pcm

import "encoding/binary"

// AppendS16LE appends samples to b as signed 16-bit, little endian.
func AppendS16LE(b []byte, samples []int16) []byte {
	for _, s := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}

// ParseS16LE appends to samples what b holds, which has even length.
func ParseS16LE(samples []int16, b []byte) []int16 {
	for i := 0; i+1 < len(b); i += 2 {
		samples = append(samples, int16(binary.LittleEndian.Uint16(b[i:])))
	}
	return samples
}

// Mono appends to dst the mean of the channels interleaved in src.
func Mono(dst, src []int16, channels int) []int16 {
	if channels == 1 {
		return append(dst, src...)
	}
	for ; len(src) >= channels; src = src[channels:] {
		sum := 0
		for _, s := range src[:channels] {
			sum += int(s)
		}
		dst = append(dst, int16(sum/channels))
	}
	return dst
}

// Spread appends to dst each sample of src once for every channel.
func Spread(dst, src []int16, channels int) []int16 {
	if channels == 1 {
		return append(dst, src...)
	}
	for _, s := range src {
		for range channels {
			dst = append(dst, s)
		}
	}
	return dst
}
