// Package document reads and prints the bodies of event notifications: presence
// (PIDF, RFC 3863, with activities of RFC 4480), calls (dialog-info, RFC 4235),
// waiting messages (simple-message-summary, RFC 3842), and lists of resources
// (rlmi in multipart/related, RFC 4662).
//
// Reading is bounded and strict: what is not of the form that its specification
// asks for is an error; elements of namespaces that nobody here knows are skipped.
// Printing is canonical: the same values are the same octets.
//
// # Extensions
//
// A phone that does not answer is neither available nor away: nobody knows. That
// is said by an element of the namespace urn:x-chordophone:presence, which other
// programs skip:
//
//	PIDF         closed, the note "unreachable", and <unreachable/>
//	dialog-info  full state without any dialog, and <unreachable/>: nobody can be
//	             seen to talk there, and a lamp that knows no more goes off
//
// Between phones, <bindings>7</bindings> in PIDF counts how often the bindings of
// the address have changed at the phone that prints it, so that whoever watches it
// knows when to look them up again.
package document
