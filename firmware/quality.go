package firmware

import (
	"time"

	"chordophone/hal"
	"chordophone/sip/media"
)

// quality tells the panel how a call sounded.
func quality(s media.Stats) *hal.Sound {
	return &hal.Sound{
		Codec:     s.Codec,
		Secure:    s.Secure,
		Sent:      s.Sent,
		Received:  s.Received,
		Lost:      s.Lost,
		Late:      s.Late,
		Concealed: s.Concealed,
		JitterMS:  float64(s.Jitter) / float64(time.Millisecond),
	}
}
