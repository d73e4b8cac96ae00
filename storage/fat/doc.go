// Package fat writes and reads FAT32 file systems, as they lie on the first
// partitions of a telephone's SD card (Microsoft, FAT32 File System
// Specification 1.03).
//
//	sector 0      boot sector: the geometry            (copy in sector 6)
//	sector 1      FSInfo: free clusters, a hint        (copy in sector 7)
//	...           zeros, up to the end of the reserved sectors
//	FAT 1, FAT 2  for each cluster the number of the next one
//	cluster 2     root directory
//	...           further directories, then the files, each in one piece
//	...           free
//
// Volume writes once: a whole file system of given files, the same octets for the
// same files, and everything used stands before everything free. So the front of
// the volume, up to what Write returns, is the whole of it: an update ships only
// that.
//
// FS reads what anybody wrote, as an io/fs.FS: whoever edits a card on a PC leaves
// files in pieces and names in either of two forms. Names are looked up without
// regard to case. A damaged volume gives errors and no endless loops, though a
// crafted one may show the same folder under many names: whoever walks one counts.
//
// There is no way to change a file. What must change in place is found with
// FS.Locate and overwritten there, which leaves the file system as it is.
package fat
