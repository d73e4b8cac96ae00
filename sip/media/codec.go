package media

import (
	"strings"

	"chordophone/sip/sdp"
)

// codec is one coding of sound, in one direction of one call: it may keep state
// from frame to frame. Sound is 16 kHz on this side; another codec converts.
type codec interface {
	// encode appends the payload of one packet.
	encode(dst []byte, pcm []int16) []byte

	// decode appends the sound of a payload, as much as ticks said.
	decode(dst []int16, payload []byte) []int16

	// ticks is how long a payload sounds, in units of the clock; 0: it is none.
	ticks(payload []byte) int
}

// clock is what time is counted in here, Hz: the RTP clock rate of most codecs, also of
// G.722, see RFC 3551, section 4.5.2. The timestamps of others are converted.
// frameTicks is one Frame of it.
const (
	clock      = 8000
	frameTicks = 160
)

// kind describes a codec.
type kind struct {
	sdp sdp.Codec
	new func() codec
}

// DefaultCodecs are all codecs, the best between two telephones first: on a LAN that
// is the one without delay, not the one with the least bits.
func DefaultCodecs() []string {
	names := []string{"G722", "PCMA", "PCMU"}
	if _, ok := opusKind(); ok {
		names = append(names, "opus")
	}
	return names
}

// codecKind returns the codec of an encoding name.
func codecKind(name string) (kind, bool) {
	switch strings.ToUpper(name) {
	case "G722":
		return kind{sdp.Codec{PT: 9, Name: "G722", Rate: clock}, func() codec { return newG722() }}, true
	case "PCMU":
		return kind{sdp.Codec{PT: 0, Name: "PCMU", Rate: clock}, func() codec { return &g711{enc: encodeUlaw, dec: &ulaw} }}, true
	case "PCMA":
		return kind{sdp.Codec{PT: 8, Name: "PCMA", Rate: clock}, func() codec { return &g711{enc: encodeAlaw, dec: &alaw} }}, true
	case "OPUS":
		return opusKind()
	}
	return kind{}, false
}

// timeline converts the timestamps of a stream to the clock.
type timeline struct {
	rate int
	last uint32
	far  int64 // units of rate since the first
}

func (t *timeline) convert(ts uint32, rate int) uint32 {
	if rate != t.rate {
		*t = timeline{rate: rate, last: ts}
	}
	if rate == clock {
		return ts
	}
	t.far += int64(int32(ts - t.last))
	t.last = ts
	return uint32(t.far * clock / int64(rate))
}
