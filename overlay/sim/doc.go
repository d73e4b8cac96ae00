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
// A host may turn malicious (see Malice): its node goes on as before, but what it
// hears and says is changed on the way. Links may be deaf one way, and a ring of a
// hundred thousand is made whole at once (Settle) where growing it would take too
// long.
//
// Everything that is random comes from one seed, so a run can be repeated; the
// trace hash covers each event and tells whether it was.
package sim
