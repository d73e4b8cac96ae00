// Package appliance is the telephone as a machine of its own: the program is what the
// kernel starts from memory, as process 1, and there is nothing else on the card.
//
//	process 1      mounts, finds the card, feeds the watchdog, starts the two programs
//	               below and starts them again; it reads nothing from the network
//	  network      addresses, Wi-Fi, name and time (package network)
//	  telephone    chordophone run
//
//	boot      how the machine was started, and starting it anew
//	disk      the memory card
//	guard     what process 1 decides, as a state machine
//	beat      what it and the programs tell one another
//	logfile   the log, bounded in space, writes and syncs
//	clock     time without a clock
//	network   the machine's addresses
//
// # What is read where
//
//	/lib/modules/order                      kernel modules, one file a line, loaded in turn
//	card, partition 1 (FAT32, read only):   phone.toml        configuration
//	                                        phone.board       board file
//	                                        authorized_keys   of the console
//	kernel command line                     see package boot
//
// A file of partition 1 is copied to the data partition once for each change of it, so
// that the last hand counts, be it at a PC or at the console.
//
// # What may fail
//
// Without a card, or with one that cannot be written, the telephone keeps its data in
// memory and says so. A data partition that cannot be mounted, or in which the kernel has
// seen errors, is made anew; what could still be read is put back, else the identity
// from the vault. The vault is on the same card outside of all partitions, not in a file
// of partition 1, which PCs write to and people hand around: whoever has the card has the
// identity either way.
package appliance
