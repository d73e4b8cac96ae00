// Package media is the sound of one call: RTP (RFC 3550, RFC 3551), encrypted
// (RFC 3711) with keys agreed in SDP (RFC 4568), keys pressed (RFC 4733) and reports
// (RTCP).
//
//	Capture ─ down to 8 kHz ─ encode ─┬─ RTP ─ SRTP ─────────► socket
//	                     SendDigit ───┘                          │
//	                                                             ▼
//	Playout ◄─ FIFO ◄─ conceal ◄─ up to 16 kHz ◄─ decode ◄─ Buffer ◄─ SRTP ─ reader
//	                                                   Digits ◄──┘
//
// The sound device is the clock: its loop calls Capture and Playout once each 20 ms
// and nothing here keeps time of its own. Each socket of the pair has one goroutine,
// which reads; packets are sent, and RTCP reports are made, by the caller of Capture.
//
// What decides anything is a value without I/O: Buffer (when a packet is played),
// reception (RFC 3550's figures), the two halves of RFC 4733, the concealer.
// Session joins them to the sockets.
package media
