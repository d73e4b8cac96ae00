// Package rollout is how a release goes through an office: from phone to phone, a few
// at a time, and no further when one of them gives it up. It is a state machine
// without clock or I/O, one on each phone; there is no coordinator. What the phones
// know of one another is a signed record each (Notice), at one point of the ring.
//
//	        some phone runs it, and has for Soak            slot written
//	watching ──────────────────────────▶ fetching ─────────────────────────▶ waiting
//	    ▲                                                                       │ my turn, nobody calls,
//	    │ a phone gave it up, or was lost with it                               │ the hour is right
//	    └──────────────────────────────────────────────────────────────────── asking
//	                                                                            │ still my turn after Settle
//	                                                                            ▼ Try
//
// Which release: the newest that a phone says it runs, if the keys of this phone say
// that it is one. A record is only a hint: nothing in it is believed of the release
// itself. So whoever lies in it can offer nothing that was not signed, nothing that
// is older, and can make nobody update that would not have.
//
// Whose turn: all phones put the same order on those that do not run the release yet, by
// its name and their Node-IDs. In that order one may be away at a time while fewer than
// eight run it, then a quarter as many as run it, but never more than Most or an eighth
// of the office. A phone that does not take its turn (it is switched off, or calls all
// day) is passed over after Turn. Before it leaves, a phone says so and waits for Settle:
// when then too many say so, those later in the order stay.
//
// When: at night, by the clock where the phone is. A phone whose clock is not known to be
// right leaves when nobody has called for an hour, so that a release reaches it, too (Leisure).
//
// What stops it: one record that says that this release was given up, or a phone that
// said it was leaving and has said nothing for Lost. A phone may stop a release by lying, and
// only stop it; people install it by hand then, or revoke the phone.
package rollout
