// Package update brings new releases onto the phone, and from this phone to the others.
//
//	a person, by SSH ──Install──▶ release ──▶ slot ──▶ trial ──▶ health ──▶ kept, or the
//	another phone ──rollout──▶ fetch ─────────┘   (state machine)            old one again
//
//	release  the signed file            slot     the card: two slots, autoboot.txt
//	trial    what happens in which order, so that power may fail at any moment
//	health   does the phone work with it?
//	rollout  who updates when           fetch    chunks, from phone to phone
//	publish  chordophone release: make keys and release files
//
// What this package keeps is in the data directory: KeyFile, which people write; memoryFile,
// what trial remembers; and the head of the release in each slot, so that it can be
// handed on. All but the keys may be lost.
//
// An update takes nothing from calls: writing is slow on purpose, with the least priority,
// and the phone never starts again while somebody speaks.
package update
