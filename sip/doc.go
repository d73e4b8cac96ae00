// Package sip documents the folder: the SIP side of a phone, which asks the rest
// of the program only for a location service (RFC 3261, section 10) and knows
// nothing of the overlay.
//
//	location  where an address of record can be reached
//	ua        this telephone's own calls
//	sdp       offer and answer
//	media     one call's sound: RTP, jitter buffer, codecs, SRTP
//	siptest   an in-memory network and a scripted peer, for tests
package sip
