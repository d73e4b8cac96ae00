// Package ua is this telephone's user agent (RFC 3261): the calls it makes and
// answers, over SIP/TLS between phones that know each other by their office
// certificates.
//
// # Parts
//
// The interesting code is a value: [machine] is one call's state, with no
// goroutine, lock, clock or I/O. Everything else carries its actions out.
//
//	       Dial Answer Reject Hangup                    Events
//	                 |                                    ^
//	+----------------v------------------------------------|------+
//	| loop           session  --input-->  machine --action+      |
//	| (one goroutine    |     <----------                        |
//	|  owns all maps)   | requests, responses                    |
//	|                transactions (sipgo's, RFC 3261 17, 6026)   |
//	+-------------------|-----------^----------------------------+
//	                    v           |  one message at a time, in order
//	             flow: writer     reader: parse, check form
//	                    |           |
//	                    +-- TLS ----+   certificate -> "102@office"
//
// Messages, their parser and the transactions are sipgo's. The connections are
// ours, because a flow must carry the identity that its certificate proved,
// must hand over messages in the order they came, and must bound handshakes,
// rates and sizes before a message reaches the parser.
//
// # Trust
//
// A flow is one TLS connection whose far certificate vouches for one user. A
// caller may only call as that user; a call goes only to a flow that vouches
// for the number dialled; a request inside a dialog counts only when it comes
// over a flow of that dialog's peer; a CANCEL only over the very flow of its
// INVITE. A challenge (401, 407) is a failed call and never answered, and no
// header makes the phone answer by itself.
//
// # What guards against sipgo's defects
//
//	connections found by local address, in any order of messages, without
//	bounds, payloads logged at error level    flow.go, transaction.go: not used
//	CANCEL of any connection ends an INVITE   request.go: same flow only
//	ACK and CANCEL numbered like new requests message.go: built here
//	line breaks written out                   flow.go, wire
//	no validation: versions, doubled fields,
//	CSeq and its method, Require, types       validate.go
//	Max-Forwards of 0 wraps when decremented  request.go: checked, never decremented
//	names of parameters compared exactly,
//	blanks kept in them and in CSeq           address.go, param; validate.go, parse
//	one bad field ends the connection         flow.go, newParser: parsed late, 400
//
// # Where a call goes
//
// The contacts of a number are tried one after another, best first: 2 s for a
// connection, 3 s for any response, and once more over a new connection when
// an old one stayed silent. The next contact is also tried after 404, 408, 480,
// 481 and 5xx, which speak of a telephone; busy and the like speak of its user
// and end the call.
//
// # How a call ends
//
// Each call that the owner has heard of ends with exactly one [Ended]. Its
// Status is the response that ended the attempt, or one of these:
//
//	200  hung up after it was answered
//	404  nobody has the number (also: not a number of this office)
//	408  nobody answered in time, or an answer was never acknowledged
//	480  the number has no contact now, or none of them could be reached
//	486  it was this telephone's own number
//	487  given up before it was answered, by either side
//	488  no common ground in the session descriptions
//	503  the office could not be asked, or too many calls at once
package ua
