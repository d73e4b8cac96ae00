package disk

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Grow writes the card's table with a data partition as large as it may be, and tells
// the kernel, which must not be using it.
func (c *Card) Grow() error {
	table := c.Table
	grown, err := table.Grow(c.Size)
	if err != nil || !grown {
		return err
	}
	f, err := os.OpenFile(c.Device, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt(table[:], 0); err != nil {
		return fmt.Errorf("partition table: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("partition table: %w", err)
	}
	c.Table = table
	return resize(f, table.Partition(Data))
}

// resize tells the kernel how long the data partition is now. // linux/blkpg.h
func resize(f *os.File, p Partition) error {
	part := struct {
		start, length int64 // octets
		number        int32
		device        [64]byte
		volume        [64]byte
	}{start: int64(p.Start) * Sector, length: int64(p.Sectors) * Sector, number: Data}
	arg := unix.BlkpgIoctlArg{
		Op:      unix.BLKPG_RESIZE_PARTITION,
		Datalen: int32(unsafe.Sizeof(part)),
		Data:    (*byte)(unsafe.Pointer(&part)),
	}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), unix.BLKPG, uintptr(unsafe.Pointer(&arg)))
	if errno != 0 {
		return fmt.Errorf("tell the kernel of the data partition's size: %w", errno)
	}
	return nil
}
