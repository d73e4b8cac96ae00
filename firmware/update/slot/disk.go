package slot

import "io"

// Sector is the unit, in octets, in which a Disk is read and written.
const Sector = 512

// Disk is a partition. Offsets and lengths are multiples of Sector.
type Disk interface {
	io.ReaderAt
	io.WriterAt

	// Sync returns when all that was written is on the medium.
	Sync() error

	// Forget makes what is read from now on come from the medium. It is called after
	// Sync.
	Forget() error
}
