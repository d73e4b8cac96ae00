// Package media is the sound of one call: RTP (RFC 3550, RFC 3551), encrypted
// (RFC 3711) with keys agreed in SDP (RFC 4568), repeated where packets are lost
// (RFC 2198), keys pressed (RFC 4733), comfort noise (RFC 3389) and reports (RTCP, RFC
// 3611), which also stop it where it does harm (RFC 8083).
//
//	Capture ─ packets ─ encode ─ earlier one ─┬─ RTP ─ SRTP ────────► socket
//	                             SendDigit ───┘                         │
//	                                                                    ▼
//	Playout ◄─ FIFO ◄─ pace ◄─ conceal ◄─ decode ◄─ Buffer ◄─ blocks ◄─ SRTP ─ reader
//	                                   Digits ◄── tones ◄┘  ◄──┘
//
// The codecs are G.722, which our own telephones speak, G.711, and Opus for clients that
// prefer it; a build with the tag noopus is without, and 2 MB smaller.
//
// The sound device is the clock: its loop calls Capture and Playout once each 10 ms, or each 20,
// whatever the length of the packets, and nothing here keeps time of its own. Each socket of the pair has one goroutine,
// which reads; packets are sent, and RTCP reports are made, by the caller of Capture.
//
// What decides anything is a value without I/O: Buffer (when a packet is played),
// reception (RFC 3550's figures), the two halves of RFC 4733, the concealer, the detectors of
// tones and of speech, the breaker, the quality. Session joins them to the sockets.
// Mixer stands beside it: it joins Sessions to a local conference.
package media
