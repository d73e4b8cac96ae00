// Package capture writes what nodes say to each other to a file that Wireshark
// reads.
//
// The connections of the overlay are TLS 1.3, so a capture on the network shows
// nothing. A Hub stands at the tap of overlay/link, inside TLS, and hands each
// frame to any number of captures:
//
//	link (reader, writer) ── Frame ──▶ Hub ──queue──▶ Run ──▶ io.Writer
//	                                     └────queue──▶ Run ──▶ io.Writer
//
// A capture never holds the link up. One that is too slow loses frames, and the
// file says how many and where.
//
// The format is pcapng with one interface of link type 252, Wireshark's exported
// PDUs, in which each packet names the dissector it is for and the addresses it
// would have had. That is what tshark takes offline, without keys or settings:
//
//	Section Header   0x0a0d0d0a
//	Interface        0x00000001   link type 252, nanoseconds
//	Enhanced Packet  0x00000006   for each frame:
//	  +--------------------------------+
//	  | 12 "reload-framing"            |  type, length, value, each in two, two
//	  | 20 IPv4 from    21 IPv4 to     |  and so many octets, padded to four;
//	  | (22, 23 for IPv6)              |  big-endian
//	  | 24 port type 2 (TCP)           |
//	  | 25 port from    26 port to     |
//	  |  0 end                         |
//	  +--------------------------------+
//	  | the frame, RFC 6940, 6.6.2     |
//	  +--------------------------------+
//	  epb_dropcount: frames lost since the one before
//	Interface Statistics 0x00000005: frames in all, and lost, at the end
//
// Wireshark knows the private Kinds of this office when the file reload_kindids
// in its configuration folder has a line for each, as KindTable writes them.
package capture
