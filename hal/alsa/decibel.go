package alsa

import (
	"math"
	"unsafe"
)

// scale is what the values of a control are in decibel.
type scale struct {
	low, high int     // values that are heard
	normal    float64 // value at 0 dB, perhaps between two; in the range
	step      float64 // dB a value
}

// Controls that do not say what they are in decibel are taken for such a range, with 0 dB
// so high in it, as most are.
const (
	usualRange  = 40 // dB
	usualNormal = 70 // percent
)

// scale is that of a control. normal is where it stands at 0 dB, in percent of its range;
// 0: where it says so itself, or as near to that as it goes.
func (m *mixer) scale(e *elemInfo, normal int) scale {
	span := float64(e.max - e.min)
	s := scale{low: e.min, high: e.max, step: usualRange / span}
	least, step, mutes, told := m.decibels(e)
	switch {
	case told:
		s.step = step
	case normal == 0:
		normal = usualNormal
	}
	if mutes || !told {
		s.low++ // the lowest value may be silence, and a volume that is low is none
	}
	s.normal = float64(e.min) - least/s.step
	if normal > 0 {
		s.normal = float64(e.min) + span*float64(normal)/100
	}
	s.normal = max(float64(s.low), min(float64(s.high), s.normal))
	return s
}

// at is the value for so many decibel above normal, and how many are beyond the range.
func (s scale) at(decibel float64) (value int, beyond float64) {
	exact := s.normal + decibel/s.step
	within := max(float64(s.low), min(float64(s.high), exact))
	return int(math.Round(within)), (exact - within) * s.step
}

// decibels asks a control what it is in decibel: at its lowest value, a step, and whether
// the lowest is silence instead.
func (m *mixer) decibels(e *elemInfo) (least, step float64, mutes, ok bool) {
	if e.access&accessTLV == 0 {
		return 0, 0, false, false
	}
	t := tlv{numid: e.id.numid, length: uint32(unsafe.Sizeof(tlv{}.data))}
	if m.sys.ioctl(m.fd, ioctlTLVRead, unsafe.Pointer(&t)) != nil || t.data[1] < 8 {
		return 0, 0, false, false
	}
	// In hundredths of a decibel, with a sign.
	first, second := int32(t.data[2]), int32(t.data[3])
	least = float64(first) / 100
	switch t.data[0] {
	case tlvScale:
		step = float64(second&tlvStep) / 100
		mutes = second&tlvMute != 0
	case tlvMinMax, tlvMinMaxMute:
		step = (float64(second) - float64(first)) / 100 / float64(e.max-e.min)
		mutes = t.data[0] == tlvMinMaxMute
	}
	return least, step, mutes, step > 0
}
