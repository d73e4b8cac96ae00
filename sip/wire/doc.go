// Package wire reads and writes SIP messages (RFC 3261, section 7). The message
// types are sipgo's; none of its parsers sees what came from the network, because
// they take for granted what this package must find out.
//
//	octets --> head: lines, unfolding, names --> fill: fields --> check --> *sip.Request
//	   Parse: a datagram                                                    *sip.Response
//	   Stream: a connection, cut by Content-Length                               |
//	                                                     octets <-- Bytes -------+
//
// How the fields are kept in a message that was read:
//
//	Via                         a *sip.ViaHeader each value, without the blanks, names of parameters in lower case
//	Route, Record-Route         a *sip.RouteHeader (RecordRouteHeader) each value; or, if one has more to it than
//	                            "<URI>", all of that name as text, each value a field
//	CSeq, Max-Forwards, Call-ID, Content-Type   sipgo's type
//	From, To, Contact           as text, octet for octet but for folding; sipgo's accessors From(), To() and
//	                            Contact() (the first value) answer with what this package read, and what is done
//	                            to that answer is not sent: change them with Set
//	all others                  as text
//
// Names are spelled as in the RFCs whatever came, the short forms too. A parameter
// of a typed field whose value is quoted keeps its quotes, so that it is written as it
// came; Param and Tag take them off, and care for case.
//
// What only the receiver can judge is left to it: the method, Require, the address,
// Max-Forwards of zero. Two things of RFC 2543 are let through: a Via without branch
// or without the magic cookie, to be matched as of section 17.2.3, and a From without
// tag (section 12.1.1).
package wire
