// Package proxy is the stateful proxy of RFC 3261, section 16, that every phone of
// the office is for existing SIP clients: it forks a call to all contacts of an
// address, keeps itself in the route of its own clients' calls, and lets calls live
// on when another phone dies.
//
// # Parts
//
//	server --Forward--> validate, strip Routes --> forwarding -- event --> fork
//	server --Route----> ... and whose dialog?          ^      <- action -- (a value)
//	server --Ack------> ... without state              |
//	                                                stack: one ClientTx a leg
//
// [fork] is a response context's state (section 16.7), with no clock and no I/O;
// forwarding carries its actions out. All runs in the stack's loop: there are no
// locks.
//
// # Where a request goes
//
// A request out of dialog has been resolved by the server: its [Target]s are the
// clients and telephones that ring, all at once, whatever their q. A target has up
// to three hops that lead to the same place: first the phone that serves the
// client, then straight to the client. The next is tried when a hop refuses the
// connection, says 503 or 430, or says nothing for half a second (two seconds if
// the request is not INVITE, since then nothing but the answer comes).
//
// A request in a dialog follows its Routes. Those that name this phone are taken
// off; a Route that names another phone of the office is followed if that phone
// answers, and taken off otherwise, so that no dialog needs a phone that is dead.
//
// # Record-Route
//
// A phone puts itself into the route of INVITE, SUBSCRIBE and REFER when one of
// the two sides is a client connected to it; between telephones and between phones
// it does not. There is one Record-Route for each side (RFC 5658), unless they
// read the same. Its user part is the flow of its side where an address cannot
// replace it: TCP, TLS, and UDP whose Contact is not where it comes from (RFC 5626,
// section 5). So the last of our Routes that a request takes off names the flow on
// which it goes out.
//
// # Trust
//
// Strangers may not touch a dialog: the table of calls knows for each side of a
// dialog whose address it is and from where it comes. A request of somebody else
// passes only if Config.Allowed vouches for it. ACK cannot be answered and is
// dropped instead; a CANCEL is bound to its flow by the stack.
//
// # Differences from RFC 3261
//
//	Branches of lower q do not wait for those of higher q: an office wants all its
//	phones to ring.
//	3xx is passed on, never followed (section 16.5 leaves that open).
//	Loops are found in the table of what is at work here, by Call-ID, tags, CSeq,
//	Request-URI and Routes, not by a hash in the branch: only when a Via shows that
//	the request was here already.
//	A non-INVITE that nobody answers does get its 408, which RFC 4320 asks to leave
//	out; by then its sender has stopped waiting.
package proxy
