// Package overlay is the vocabulary of the peer-to-peer network that every
// phone is a node of: points on the identifier circle (ID), nodes (Peer), what
// is kept there (Record, Kind), and the bytes under a record's signature.
//
// The words are those of RELOAD (RFC 6940) and of Chord. The subpackages do the
// work:
//
//	chord     the ring as a state machine: no I/O, no clock, no goroutine
//	sim       thousands of those nodes in one process, in simulated time
//	reload    the wire format, RFC 6940, and the configuration document
//	identity  the office's key, phones' certificates, enrolment, revocation
//	link      connections between nodes: mutual TLS, RELOAD framing
//	discover  first contact with no infrastructure: multicast DNS
//	node      the loop that drives one chord node on a real link and a real disk
//	audit     once round a live ring: is it closed, is every copy in its place
//	capture   what nodes say to each other, for Wireshark
//
// A record is the unit of truth: signed by its one writer, numbered by it, and
// expiring. The ring moves records and the disk keeps them; nothing else is
// replicated.
package overlay
