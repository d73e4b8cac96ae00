package firmware

import (
	"fmt"
	"time"

	"chordophone/hal"
	"chordophone/sip/media"
)

const (
	// listenTime is how often the desk listens into the calls.
	listenTime = 500 * time.Millisecond

	// silenceLimit is how long nothing may come from the far side of a call that is not
	// held, neither sound nor reports (every 5 s, RFC 3550), until it is given up for
	// gone. Who is silent for a while still reports.
	silenceLimit = 30 * time.Second
)

// quality is how a call sounded until now; zero of none.
func quality(s *media.Session) hal.Sound {
	if s == nil {
		return hal.Sound{}
	}
	st := s.Stats()
	return hal.Sound{
		Codec:     st.Codec,
		Secure:    st.Secure,
		Sent:      st.Sent,
		Received:  st.Received,
		Lost:      st.Lost,
		Restored:  st.Restored,
		Late:      st.Late,
		Concealed: st.Concealed,
		Ratio:     st.ConcealedRatio,
		JitterMS:  ms(st.Jitter),
		TripMS:    ms(st.RoundTrip),
		DelayMS:   ms(st.MouthToEar),
		R:         st.R,
		MOSLQ:     st.MOSLQ,
		MOSCQ:     st.MOSCQ,
		FarMOS:    st.RemoteMOS,
		Broken:    st.Broken,
	}
}

// hopeless says why a call is to be given up, if it is.
func hopeless(st media.Stats) (cause string) {
	switch {
	case st.Broken != "": // RFC 8083, section 4.5: a flow that was stopped is not taken up again by itself
		return "our sound is stopped: " + st.Broken
	case st.Silent >= silenceLimit:
		return fmt.Sprintf("nothing was heard for %d s", int(silenceLimit.Seconds()))
	}
	return ""
}
