// Package disk is the memory card of the appliance: which one it is, the growing of its
// data partition at the first boot, its file system, and a second place for what cannot
// be fetched from the office again.
//
//	sector 0        MBR; its signature is how the card is found
//	256, 512 KiB    the vault: twice the identity and the keys (Vault)
//	1 MiB ...  p1   FAT32, what people edit on a PC, and which system starts
//	           p2   FAT32, system A
//	           p3   FAT32, system B
//	           p4   ext4, data: zeros in a new image
//
// The data partition is grown and formatted on the phone itself: to at most two GiB,
// which is more than a telephone fills; what lies beyond is never written, and so is
// spare room for the card's wear levelling. It is formatted once, at its final size.
package disk
