package media

import "time"

// Stats are the figures of a call until now.
type Stats struct {
	Codec  string // encoding name of what is sent, empty until negotiated
	Secure bool   // SRTP

	Sent     uint64 // RTP packets sent
	Received uint64 // RTP packets accepted of the present source
	Lost     int64  // of it, expected less received: RFC 3550, section 6.4.1
	Late     uint64 // arrived after their time had been filled otherwise
	Dropped  uint64 // duplicates, and what did not fit the buffer
	Rejected uint64 // not from the peer, not authentic, or not RTP or RTCP

	Frames    uint64 // packets' worth of sound played since the first
	Concealed uint64 // of these, made up for missing packets

	Jitter     time.Duration // RFC 3550, section 6.4.1
	Delay      time.Duration // what waits in the buffers: network to earpiece
	RoundTrip  time.Duration // 0 until RTCP has told
	RemoteLost float64       // fraction of what we sent that the other side lost lately
}

// Stats returns the figures of now.
func (s *Session) Stats() Stats {
	var st Stats
	s.recv.stats(&st)
	s.send.stats(&st)
	return st
}
