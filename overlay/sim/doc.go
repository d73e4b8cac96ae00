// Package sim runs thousands of chord nodes in one goroutine and in simulated
// time: the same state machine that the phone runs, on a network that delays,
// loses, breaks and splits as told.
//
//	          ┌───────────── heap of what is to happen ◀──────────┐
//	          ▼                                                   │
//	earliest event ──▶ (*chord.Node).Step ──▶ Send: delay, loss,  │
//	  of one host                             partition, death ───┤
//	                                          Next: a Tick ───────┘
//
// Everything that is random comes from one seed, so a run can be repeated; the
// trace hash covers each event and tells whether it was.
package sim
