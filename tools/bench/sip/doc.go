// Package sip measures the phone as registrar and proxy of existing SIP clients
// beside kamailio, a SIP server. SIPp, a program of others, too, plays the clients:
// it reads the same scenarios from data for every server, and times are taken from
// a capture of the loopback interface, so that no measured program is trusted with
// the clock.
//
//	caller (SIPp) .21 ---> kamailio .1                        ---> callee (SIPp) .22
//	                  ---> phone .2, an office of one         --->
//	                  ---> phone .3 == ring, TLS == phone .4  --->
//
// The stages, each through all three in turn, round after round:
//
//	latency    20 calls and 20 REGISTER a second
//	load       processor time per call and per REGISTER
//	capacity   the highest step of a ladder at which nothing fails
//	overload   1,000 calls a second: memory, refusals, and a telephone call beside it
//	torture    the messages of RFC 4475 and RFC 5118, judged by the answer on the wire
//	malformed  thousands of INVITE with one anomaly each, made from a seed
//
// The phones keep their data on a real disk, and a 200 to REGISTER means that it is
// synced; kamailio keeps its bindings in memory.
package sip
