package media

import "time"

// reception keeps the figures of one received stream: RFC 3550, appendices A.1,
// A.3 and A.8.
type reception struct {
	ssrc     uint32
	some     bool   // a packet has come
	base     uint32 // first extended sequence number
	highest  uint32 // highest extended sequence number
	received uint64

	expectedPrior, receivedPrior uint64 // at the last report

	transit int64 // of the last packet, timestamp units
	jitter  int64 // timestamp units, scaled by 16
	zero    time.Time
}

// start begins with a new source.
func (r *reception) start(ssrc uint32, seq uint16) {
	*r = reception{ssrc: ssrc, some: true, base: uint32(seq), highest: uint32(seq)}
}

// packet counts a packet of the source.
func (r *reception) packet(seq uint16) {
	if ahead := int16(seq - uint16(r.highest)); ahead > 0 {
		r.highest += uint32(ahead)
	}
	r.received++
}

// timed takes the arrival of a packet whose timestamp is that of its sound.
func (r *reception) timed(now time.Time, ts uint32) {
	first := r.zero.IsZero()
	if first {
		r.zero = now
	}
	arrival := int64(now.Sub(r.zero)) * clock / int64(time.Second)
	transit := int64(int32(uint32(arrival) - ts))
	if !first {
		d := int64(int32(transit - r.transit))
		if d < 0 {
			d = -d
		}
		if d < maxJump { // a new timeline is not jitter
			r.jitter += d - (r.jitter+8)>>4
		}
	}
	r.transit = transit
}

func (r *reception) expected() uint64 {
	if !r.some {
		return 0
	}
	return uint64(r.highest-r.base) + 1
}

func (r *reception) lost() int64 { return int64(r.expected()) - int64(r.received) }

// fraction is the part lost since the last report, in 1/256.
func (r *reception) fraction() uint8 {
	expected := r.expected() - r.expectedPrior
	received := r.received - r.receivedPrior
	r.expectedPrior, r.receivedPrior = r.expected(), r.received
	if expected == 0 || received >= expected {
		return 0
	}
	return uint8(min((expected-received)*256/expected, 255))
}
