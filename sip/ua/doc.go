// Package ua is this telephone's user agent (RFC 3261): the calls it makes and
// answers, holds and passes on.
//
// # Parts
//
// The interesting code is a value: [machine] is one call's state, with no
// goroutine, lock, clock or I/O. Everything else carries its actions out, in the
// loop of sip/stack, which owns all calls.
//
//	  Dial Answer Hold Transfer ...                    Events
//	             |  stack.Do                             ^ outbox
//	+------------v---------------------------------------|------+
//	| UA      session  --input-->  machine --action------+      |
//	|            |     <----------                              |
//	|            |  requests, responses                         |
//	+------------|-------------^--------------------------------+
//	             v             |  Request, Ack, Lost
//	         sip/stack: transactions, flows          sip/server
//	             |                        |
//	            TLS 5061              Loopback
//	      telephones, directly     our own proxy: all clients
//
// # Where a call goes
//
// The contacts of a telephone are tried one after another, best first, directly
// and with nobody in between: 2 s for a connection, 3 s for any response, and once
// more over a new connection when an old one stayed silent. The next contact is
// also tried after 404, 408, 480, 481 and 5xx, which speak of a telephone; busy
// and the like speak of its user and end the call. A number that has clients is
// called by way of our own proxy, which rings all that there are.
//
// Requests within a dialog go over the connection that it has. When that is gone,
// or a client's request stays without an answer, they go straight to the
// telephone, or for a client by way of our own proxy, which routes around
// telephones that have died.
//
// # Trust
//
// A flow's far certificate vouches for one telephone. A telephone may call as
// itself, and for clients, whom it has asked for their passwords, but never as
// another telephone. A call goes only to a flow that vouches for the number
// dialled, or to our own proxy. A request inside a dialog counts only when it
// comes over a flow of that dialog's peer, or, if that is a client, over one of
// any telephone; who knows only the tags has nothing. A CANCEL counts only over
// the very flow of its INVITE. A challenge (401, 407) is a failed call and never
// answered.
//
// No header makes the phone answer by itself. Only an INVITE that names a call of
// ours by all its tags (Replaces) takes that call's place without ringing, and
// only REFER within a call makes the phone call somebody, of this office, of which
// the owner hears by Transferred.
//
// # Transfer
//
//	Transfer     we: REFER ->      far: 202, NOTIFY 100, calls, NOTIFY 200     we: BYE
//	TransferTo   the same with Refer-To: <other?Replaces=...>, whose telephone hangs
//	             up the other call; if it does not, we do
//	REFER comes  202, Transferred, a call like any other; NOTIFY of how it ended; the
//	             transferor hangs up, or 32 s later we do
//	Replaces     Transferred, Answered, and BYE to the call replaced
//
// # Keys of the far side
//
// Keys that come by INFO (application/dtmf-relay and application/dtmf, which no RFC
// describes) are told as Pressed; those that come with the sound are Media's. None are sent
// so.
//
// # Sessions that expire
//
// RFC 4028 is done when asked: the telephone itself demands no timer. It
// refreshes with re-INVITE at half the time if that fell to it, and hangs up when
// nobody has refreshed.
//
// # How a call ends
//
// Each call that the owner has heard of ends with exactly one [Ended]. Its
// Status is the response that ended the attempt, or one of these:
//
//	200  hung up after it was answered, or transferred
//	404  nobody has the number (also: not a number of this office)
//	408  nobody answered in time, an answer was never acknowledged, or the far
//	     side was not heard of any more
//	480  the number has no contact now, or none of them could be reached
//	481  the far side knows the call no more
//	486  it was this telephone's own number
//	487  given up before it was answered, by either side
//	488  no common ground in the session descriptions
//	503  the office could not be asked, or too many calls at once
package ua
