// Package dht measures the ring against another distributed hash table,
// OpenDHT's dhtnode. Both run as real processes on one machine, one program after
// the other, each in a network of its own; both are driven by lines on their
// standard input and go through the same stages:
//
//	cold    all nodes start in the same second
//	put     records, one at a time
//	get     look-ups, one at a time, by nodes that did not write
//	idle    nothing happens
//	silent  a tenth of the nodes stops (SIGSTOP) and comes back
//	kill20  a fifth of the nodes is killed (SIGKILL), with all who wrote
//	kill50  half of them
//	cycle   all are killed, and all start again
//	stores  ours only: each store's owner is killed when it is acknowledged
//
// Times are those of this process's clock, from writing the command to reading
// the answer, for both programs.
package dht
