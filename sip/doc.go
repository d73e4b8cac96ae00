// Package sip documents the folder: the SIP side of a phone, which asks the rest
// of the program only for a location service (RFC 3261, section 10) and knows
// nothing of the overlay.
//
//	location     where an address of record can be reached
//	wire         messages: read, checked, written
//	transaction  the state machines of RFC 3261, section 17
//	stack        connections and transactions, in one goroutine: the loop
//	server       what becomes of each request: who may ask for what
//	ua           this telephone's own calls
//	registrar    REGISTER of existing clients
//	digest, auth passwords
//	proxy        RFC 3261, section 16: calls of and to existing clients
//	presence     who is on the phone: subscriptions, lamps, lists
//	message      MESSAGE, kept for those who are away
//	dns          where the phones are, for clients that ask for the office's name
//	sdp          offer and answer
//	media        one call's sound: RTP, jitter buffer, codecs, SRTP
//	siptest      an in-memory network and scripted peers, for tests
package sip
