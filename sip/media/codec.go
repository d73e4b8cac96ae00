package media

import (
	"strings"

	"chordophone/sip/sdp"
)

// codec is one coding of sound, in one direction of one call: it may keep state
// from frame to frame. Sound is 16 kHz on this side; a narrower codec converts.
type codec interface {
	// encode appends the payload of one frame.
	encode(dst []byte, pcm []int16) []byte

	// decode appends the sound of a payload, whatever its length.
	decode(dst []int16, payload []byte) []int16
}

// clock is the RTP clock rate of every codec here, Hz; G.722 has it too, see RFC 3551,
// section 4.5.2. frameTicks is one Frame of it.
const (
	clock      = 8000
	frameTicks = 160
)

// kind describes a codec. All here code 8 bits each tick of the clock, so a
// payload's length is its duration.
type kind struct {
	sdp sdp.Codec
	new func() codec
}

// DefaultCodecs are all codecs, the best first.
func DefaultCodecs() []string { return []string{"G722", "PCMA", "PCMU"} }

// codecKind returns the codec of an encoding name.
func codecKind(name string) (kind, bool) {
	switch strings.ToUpper(name) {
	case "G722":
		return kind{sdp.Codec{PT: 9, Name: "G722", Rate: clock}, func() codec { return newG722() }}, true
	case "PCMU":
		return kind{sdp.Codec{PT: 0, Name: "PCMU", Rate: clock}, func() codec { return &g711{enc: encodeUlaw, dec: &ulaw} }}, true
	case "PCMA":
		return kind{sdp.Codec{PT: 8, Name: "PCMA", Rate: clock}, func() codec { return &g711{enc: encodeAlaw, dec: &alaw} }}, true
	}
	return kind{}, false
}
