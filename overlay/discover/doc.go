// Package discover is first contact with no infrastructure: phones on one bare
// switch find one another by DNS-Based Service Discovery (RFC 6763) over
// multicast DNS (RFC 6762). No DHCP and no DNS are needed; link-local addresses
// of either family are enough.
//
// A phone is one instance of the service _chordophone._tcp, named by its Node-ID
// so that its name is unique by construction and needs no probing (RFC 6762,
// section 8.1). All that is known of it travels in one packet of about 300
// octets, which other tools (avahi-browse -r, dns-sd -B) can read too:
//
//	_chordophone._tcp.local.            PTR   <node>._chordophone._tcp.local.
//	<node>._chordophone._tcp.local.     SRV   0 0 <port> <node>.local.
//	                                    TXT   txtvers=1 office=... node=<node> ext=... enrolling=0|1
//	<node>.local.                       A     each address of this interface
//	                                    AAAA
//
// Nothing of it is authenticated: what comes out is a hint where to try a
// connection, and the mutual TLS of that connection decides who is there. A
// lying beacon costs one attempt to connect. It cannot aim phones at a distant
// victim either: an address counts only if it is on the link that it was heard
// on, or is the address that the packet came from.
//
// # Shape
//
// machine is the protocol as a state machine without I/O; Service.Run is its loop;
// sockets and monitor are its ears. A link is one network interface in one address
// family, with a state of its own that is born and dies with it:
//
//	          the interface comes up
//	                    |
//	     +--------------v-------------+
//	     | announce at 0, 1 and 3 s   | <--- enrolling or an address changed
//	     | ask at 0.1 s, then 1, 2, 4 |
//	     | ... up to 60 s apart       | ---> somebody asks: answer in 20-120 ms
//	     +--------------+-------------+
//	                    |
//	Run ends: goodbye; the interface goes down: its peers are forgotten
//
// # How little is sent
//
// A question lists the answers already known, who is listed keeps silent, and a
// question that somebody else has just asked counts as asked (RFC 6762, sections
// 7.1 and 7.3): an idle office asks once a minute together, whatever its size,
// and each phone answers once in two to three minutes. Whatever is received, a link
// sends at most two answers in a second and, once settled, one question in ten.
//
// # Deviations from RFC 6762
//
//   - Questions are at most 60 s apart, not 60 minutes (section 5.2), and every
//     record lives for 4 minutes, not 2 or 75 (section 10): two halves of an office
//     whose switches are joined have no other way to notice, and a hint should not
//     be old.
//   - Answers are at least 0.5 s apart, not 1 s (section 6): two phones that are
//     switched on together are to know each other within a second.
//   - A question that asks for a unicast answer (section 5.4) or comes from another
//     port than 5353 (section 6.7) is answered by multicast like any other.
//   - No NSEC records (section 6.1).
package discover
