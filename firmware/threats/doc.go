// Package threats holds tests that attack a running telephone from the network, one
// for each of the threats that the office's design names:
//
//	T2   registration hijack          T10  a stolen telephone
//	T3   scanners, ghost calls        T11  a stolen or copied card
//	T4   floods                       T13  presence and messages of others
//	T5   requests in others' dialogs  T14  malformed messages
//	T6   digest leak                  T20  toll fraud
//	T7   RTP injection and bleed
//
// A telephone that is gone and comes back from its backup is tried here, too.
//
// Each counts what the attacker attained, which must be nothing, and has a negative
// control: the same meter moves when somebody who may does the same. T5 between
// clients is tested in sip/proxy, in memory, with 10,000 requests.
//
// The telephones are processes with the pipe board, on loopback addresses.
package threats
