// Package link keeps the connections between nodes and turns what the ring says
// (chord.Message) into RELOAD messages on them and back.
//
// A connection is TLS 1.3 over TCP with RELOAD's framing header
// (TLS-TCP-FH-NO-ICE; RFC 6940, section 6.6.5). Both sides show a certificate of
// the office. There is one connection for two nodes, used in both directions,
// dialled when the first message needs it and kept:
//
//	            Send, no connection                handshake done
//	(none) ------------------------> dialling --------------------> active
//	  ^                                 |                            |  |
//	  |      refused, too slow: Lost    |       idle, or a better    |  |
//	  +---------------------------------+       connection exists    |  |
//	  |                                                              v  |
//	  |   far side closed too           draining: what is queued     |  |
//	  +---------------------------------goes out, then close_notify <+  |
//	  |                                                                 |
//	  |   broken, no ACK in time, garbage: Lost                         |
//	  +-----------------------------------------------------------------+
//
// A close_notify says "nothing more to say for now" and loses nothing: both
// sides send what they had queued before they close. A connection that ends
// without one is a lost node, and chord hears Lost.
//
// When two nodes dial each other at the same moment, both keep the connection
// that the lower Node-ID dialled, and drain the other.
//
// Every message is signed by its maker. Signatures are checked here, on
// forwarded messages too, before chord sees anything; what fails is dropped and
// counted. A forwarded message keeps the octets its maker signed: they travel in
// chord.Message.Raw. Certificates that the other side knows are left out
// (PROFILE.md, 2.3), and put back where a message goes further.
//
// What needs no state machine is answered here and never reaches chord: Attach,
// AppAttach, Probe, RouteQuery, Find, PathTrack and ConfigUpdate, and every
// request that deserves an error. Ask sends such requests.
//
//	                 ┌ signature, replay, configuration, extensions: drop or Error
//	frame ──▶ open ──┤
//	                 ├ chord has a word for it ──▶ Events
//	                 ├ ends here, a request ─────▶ answer
//	                 ├ ends here, an answer ─────▶ Ask
//	                 └ for another node ─────────▶ forward
//
// Cut ends the connections of nodes that are no longer members. A Tap sees every
// frame as it is inside TLS; overlay/capture is one.
//
// Who may connect, what a certificate says and how one signs is handed in
// (Config); link knows no keys.
package link
