// Package threats holds tests that attack a running telephone from the network, one
// for each of the threats that the office's design names:
//
//	T2   registration hijack          T7   RTP injection and bleed
//	T3   scanners, ghost calls        T13  presence and messages of others
//	T4   floods                       T14  malformed messages
//	T5   requests in others' dialogs  T20  toll fraud
//	T6   digest leak
//
// Each counts what the attacker attained, which must be nothing, and has a negative
// control: the same meter moves when somebody who may does the same. T5 between
// clients is tested in sip/proxy, in memory, with 10,000 requests.
//
// The telephones are processes with the pipe board, on loopback addresses.
package threats
