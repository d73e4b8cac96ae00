// Package stack is SIP's transport and transaction layers (RFC 3261, sections 17
// and 18; RFC 6026; RFC 3581; RFC 5626, section 4.4) in one goroutine: the loop.
//
//	UDP 5060  TCP 5060  TLS 5061  loopback      readers: bucket, frame, parse, check
//	    \         |        |        /
//	     +--------v--------v-------+
//	     |  loop: owns all maps    |  transactions (package transaction: values)
//	     +-----|-------------------+
//	           v Handler: Request, Ack, Lost          always called in the loop
//
// Everything above is called in the loop, and calls the stack only from there; Do
// brings other goroutines in, Go takes slow work out and back.
//
// A Flow is where messages come from and go to: one connection, or one far address
// of the UDP socket. A flow whose far side showed a certificate of the office
// vouches for that phone's user, and is a Peer; all others are strangers until
// somebody above has their password. The Flow of a UDP address that was silent for
// long may be made anew: compare Remote or Token, not pointers.
//
// What comes from outside is bounded before it costs anything: datagrams by the rate
// of their source and of all strangers together before they are parsed, connections
// by number, rate, handshakes at work, silence and slowness, and by slowing them
// down; transactions by number. A finished server transaction of UDP, kept for 32 s
// (Timer J), takes about 300 octets and its response. maddr in a Via is not obeyed:
// it would let a stranger choose whom we answer.
package stack
