package disk

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Card is a telephone's memory card.
type Card struct {
	Device string // of the whole, such as /dev/mmcblk0
	Table  Table
	Size   uint64 // in sectors
}

// Find looks for the card among the disks of this machine, sys and dev being where the
// kernel shows them: /sys and /dev. It waits for slow ones, so long.
func Find(sys, dev string, patience time.Duration) (*Card, error) {
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		names, err := disks(sys)
		for _, name := range names {
			if c, err := Open(filepath.Join(dev, name)); err == nil {
				return c, nil
			}
		}
		if time.Now().After(end) {
			if err != nil {
				return nil, err
			}
			return nil, fmt.Errorf("%w among %q", ErrNotOurs, names)
		}
	}
}

// disks are the names of all disks, not of their partitions, nor of disks in memory.
func disks(sys string) (names []string, err error) {
	all, err := os.ReadDir(filepath.Join(sys, "class/block"))
	for _, e := range all {
		if strings.HasPrefix(e.Name(), "ram") || strings.HasPrefix(e.Name(), "loop") {
			continue
		}
		if _, err := os.Stat(filepath.Join(sys, "class/block", e.Name(), "partition")); err == nil {
			continue
		}
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names, err
}

// Open reads what a disk says of itself.
func Open(device string) (*Card, error) {
	f, err := os.Open(device)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c := &Card{Device: device}
	if _, err := io.ReadFull(f, c.Table[:]); err != nil {
		return nil, fmt.Errorf("%s: %w", device, err)
	}
	if err := c.Table.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", device, err)
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", device, err)
	}
	c.Size = uint64(end) / Sector
	return c, nil
}

// Part is the device of a partition.
func (c *Card) Part(n int) string {
	if unicode.IsDigit(rune(c.Device[len(c.Device)-1])) {
		return fmt.Sprintf("%sp%d", c.Device, n)
	}
	return fmt.Sprintf("%s%d", c.Device, n)
}
