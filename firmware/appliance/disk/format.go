package disk

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/ext4"
)

// The kernel wants the inodes of a group to fill blocks, 16 in each, and an office has
// no more files than that.
const (
	groupOctets    = 8 * block * Sector * block * Sector // what one block of bits counts
	inodesPerGroup = 2048
)

// smallest is the size of the smallest data partition, in octets.
const smallest = 32 << 20

// ErrSmall says that the data partition has no room for a file system.
var ErrSmall = errors.New("the data partition is too small")

// Format makes an empty ext4 file system of blocks of 4 KiB, with a journal, on a
// partition, or in a file, as large as that is.
func Format(device string) error {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("%s: %w", device, err)
	}
	size -= size % (block * Sector)
	if size < smallest {
		return fmt.Errorf("%w: %d octets", ErrSmall, size)
	}
	_, err = ext4.Create(file.New(f, false), size, 0, Sector, &ext4.Params{
		SectorsPerBlock: block,
		InodeCount:      uint32((size + groupOctets - 1) / groupOctets * inodesPerGroup),
		VolumeName:      "chordophone",
		// It is made at its last size: no room for a longer table of groups is wanted.
		Features: []ext4.FeatureOpt{ext4.WithFeatureReservedGDTBlocksForExpansion(false)},
	})
	if err != nil {
		return fmt.Errorf("make a file system on %s: %w", device, err)
	}
	return f.Sync()
}

// Empty reports whether a partition has never been formatted.
func Empty(device string) (bool, error) {
	f, err := os.Open(device)
	if err != nil {
		return false, err
	}
	defer f.Close()
	b := make([]byte, 64<<10)
	if _, err := io.ReadFull(f, b); err != nil {
		return false, fmt.Errorf("%s: %w", device, err)
	}
	for _, o := range b {
		if o != 0 {
			return false, nil
		}
	}
	return true, nil
}
