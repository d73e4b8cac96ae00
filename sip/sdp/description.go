// Package sdp is the part of SDP (RFC 8866) that a telephone speaks: one audio
// stream over RTP, offered and answered by RFC 3264 and keyed by RFC 4568. It does
// no I/O. The grammar of what comes in is read by pion/sdp; what it means is decided
// here.
//
//	v=0
//	o=- 3871 1 IN IP4 192.0.2.7              Origin
//	s=-
//	c=IN IP4 192.0.2.7                       Media.Addr
//	t=0 0
//	m=audio 16390 RTP/SAVP 0 8 101           Media: Port, Protocol, Codecs by preference
//	a=rtpmap:0 PCMU/8000                     Codec
//	a=rtpmap:8 PCMA/8000
//	a=rtpmap:101 telephone-event/8000
//	a=fmtp:101 0-15
//	a=ptime:20
//	a=sendrecv                               Direction
//	a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19z...   Crypto
//	m=video 0 RTP/AVP 31                     another Media, refused: port 0
//
// What we would offer is itself a Description, and it carries our policy: with the
// protocol RTP/SAVP sound is encrypted or there is no call; with RTP/AVP and crypto
// lines it is encrypted when the other side can.
package sdp

import (
	"errors"
	"net/netip"
	"strings"
	"time"
)

// Errors that Parse, Answer and Check wrap.
var (
	// ErrSyntax means that the text is not SDP, or is beyond the limits of this
	// package: 400 Bad Request.
	ErrSyntax = errors.New("sdp: malformed description")

	// ErrNotAcceptable means that there is nothing in common: 488 Not
	// Acceptable Here.
	ErrNotAcceptable = errors.New("sdp: not acceptable")
)

// Protocols of an audio stream, RFC 3551 and RFC 3711.
const (
	AVP  = "RTP/AVP"
	SAVP = "RTP/SAVP"
)

// TelephoneEvent is the encoding name of keys pressed, RFC 4733, section 2.4.1.
const TelephoneEvent = "telephone-event"

// Redundancy is the encoding name of sound sent twice, RFC 2198; ComfortNoise that of
// the noise of a silent room, RFC 3389.
const (
	Redundancy   = "red"
	ComfortNoise = "CN"
)

// Description is one session description.
type Description struct {
	Origin Origin
	Media  []Media // in the order of the m= lines, which offer and answer share
}

// Origin identifies a session and its version; the version rises by one with each
// change (RFC 3264, section 8).
type Origin struct {
	ID, Version uint64
	Addr        netip.Addr
}

// Media is one stream.
type Media struct {
	Kind      string     // "audio"; others are carried only to be refused
	Protocol  string     // AVP or SAVP for what we use
	Addr      netip.Addr // where it is to be sent; zero if the text named a host
	Port      uint16     // 0: refused
	RTCPPort  uint16     // RFC 3605, else Port+1
	Codecs    []Codec    // by preference
	Formats   []string   // of media that are not RTP, as they stood
	Ptime     time.Duration
	MaxPtime  time.Duration
	Direction Direction
	Cryptos   []Crypto // usable ones, by preference

	VoIPMetrics bool // reports on quality are wanted: RFC 3611, section 5.1
}

// Audio returns the index of the first audio stream that is not refused, or -1.
func (d *Description) Audio() int {
	for i := range d.Media {
		if d.Media[i].Kind == "audio" && d.Media[i].Port != 0 {
			return i
		}
	}
	return -1
}

// Codec is one way of coding sound, under the payload type by which one side
// wants to receive it.
type Codec struct {
	PT       uint8
	Name     string // encoding name as in RFC 3551: compared without case
	Rate     int    // RTP clock rate, Hz
	Channels int    // 0 means what is not written: one
	Fmtp     string // format parameters, empty if none
}

// Is reports whether two codecs are the same, whatever their payload types.
func (c Codec) Is(o Codec) bool {
	return strings.EqualFold(c.Name, o.Name) && c.Rate == o.Rate && max(c.Channels, 1) == max(o.Channels, 1)
}

// Sound reports whether a codec codes sound by itself: keys pressed, redundancy and
// comfort noise only go with one.
func (c Codec) Sound() bool {
	for _, n := range []string{TelephoneEvent, Redundancy, ComfortNoise} {
		if strings.EqualFold(c.Name, n) {
			return false
		}
	}
	return true
}

// static is the table of payload types that need no rtpmap, RFC 3551, section 6.
func static(pt uint8) (Codec, bool) {
	switch pt {
	case 0:
		return Codec{PT: pt, Name: "PCMU", Rate: 8000}, true
	case 3:
		return Codec{PT: pt, Name: "GSM", Rate: 8000}, true
	case 8:
		return Codec{PT: pt, Name: "PCMA", Rate: 8000}, true
	case 9:
		return Codec{PT: pt, Name: "G722", Rate: 8000}, true // 16 kHz sound; the clock is an old error, section 4.5.2
	case 13:
		return Codec{PT: pt, Name: "CN", Rate: 8000}, true
	case 18:
		return Codec{PT: pt, Name: "G729", Rate: 8000}, true
	}
	return Codec{}, false
}

// Direction says which way a stream flows, seen by the one who wrote it.
type Direction uint8

const (
	SendRecv Direction = iota // the default, RFC 8866, section 6.7
	SendOnly
	RecvOnly
	Inactive
)

func (d Direction) String() string {
	return [...]string{"sendrecv", "sendonly", "recvonly", "inactive"}[d]
}

func parseDirection(s string) (Direction, bool) {
	for d := SendRecv; d <= Inactive; d++ {
		if s == d.String() {
			return d, true
		}
	}
	return 0, false
}

// Sends reports whether the writer sends.
func (d Direction) Sends() bool { return d == SendRecv || d == SendOnly }

// Receives reports whether the writer receives.
func (d Direction) Receives() bool { return d == SendRecv || d == RecvOnly }

// answer is what one who wants local may answer to d: RFC 3264, section 6.1.
func (d Direction) answer(local Direction) Direction {
	send := d.Receives() && local.Sends()
	recv := d.Sends() && local.Receives()
	switch {
	case send && recv:
		return SendRecv
	case send:
		return SendOnly
	case recv:
		return RecvOnly
	}
	return Inactive
}
