// Package slot is the card as an update sees it: two partitions, each with a whole
// system, and one sector that says which of them is started.
//
//	partition 1  ... autoboot.txt, one sector: Autoboot
//	partition 2  slot A
//	partition 3  slot B
//	partition 4  data, not looked at here
//
// The boot firmware starts the slot that autoboot.txt names under [all], and for one
// start only, when the reboot asked for it (tryboot), the one under [tryboot]. So the
// only write that changes what a phone starts is that of a single sector, in place:
// no file system is written to. That a card writes a sector as a whole or not at all
// is what everybody's journal relies on, too.
//
// Written is the slot that does not run, chunk by chunk and slowly; a chunk that is
// there already is left alone, so that a second try goes on where the first ended.
// Read back is what the medium has, not what the kernel remembers. A card that
// answers from a cache of its own cannot be seen through.
package slot
