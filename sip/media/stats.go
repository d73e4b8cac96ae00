package media

import "time"

// Stats are the figures of a call until now.
type Stats struct {
	Codec      string        // encoding name of what is sent, empty until negotiated
	PacketTime time.Duration // sound in each packet sent
	Secure     bool          // SRTP

	Sent     uint64 // RTP packets sent
	Repeated uint64 // of these, with the one before once more (RFC 2198)
	Received uint64 // RTP packets accepted of the present source
	Lost     int64  // of it, expected less received: RFC 3550, section 6.4.1
	Restored uint64 // lost or late ones whose copy came in time
	Late     uint64 // arrived after their time had been filled otherwise
	Dropped  uint64 // duplicates, and what did not fit the buffer
	Rejected uint64 // not from the peer, not authentic, or not RTP or RTCP

	Frames         uint64  // packets' worth of sound played since the first
	Concealed      uint64  // of these, made up for missing packets
	ConcealedRatio float64 // Concealed / Frames

	Jitter     time.Duration // RFC 3550, section 6.4.1
	Delay      time.Duration // what waits in the buffers: network to earpiece
	RoundTrip  time.Duration // 0 until RTCP has told
	MouthToEar time.Duration // estimate of the whole way to us, mean of the call; no sound device
	Silent     time.Duration // since anything came, sound or a report, while sound is due; 0 before the first

	R     float64 // transmission rating of what is heard here, 0 to 93.2 (ITU-T G.107); 0 before the first packet
	MOSLQ float64 // the opinion of listeners that it stands for without the delay, 1 to 4.5
	MOSCQ float64 // and of people in conversation

	RemoteLost   float64       // fraction of what we sent that the other side lost lately
	RemoteJitter time.Duration // as the other side sees it
	RemoteMOS    float64       // its opinion of what it hears, like MOSCQ; 0 if it tells none (RFC 3611)

	Broken string // why sending was stopped (RFC 8083): "nothing arrives", "the network is congested"; else empty
}

// Stats returns the figures of now.
func (s *Session) Stats() Stats {
	var st Stats
	s.recv.stats(time.Now(), &st)
	s.send.stats(&st)
	s.recv.score(&st)
	return st
}
