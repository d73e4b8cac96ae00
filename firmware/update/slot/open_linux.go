package slot

import (
	"errors"
	"fmt"
	"io"
	"os"

	"chordophone/storage/fat"
)

// autobootFile is where the boot firmware looks.
const autobootFile = "autoboot.txt"

// Open opens a card by the devices of its first three partitions. What is mounted must be
// mounted read-only. The error wraps ErrAutoboot when the first has no autoboot.txt of one sector.
func Open(selector, a, b string) (*Slots, error) {
	offset, err := locate(selector)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", selector, err)
	}
	s := &Slots{Offset: offset}
	var opened []io.Closer
	for _, p := range []struct {
		path string
		to   *Disk
	}{{selector, &s.Selector}, {a, &s.A}, {b, &s.B}} {
		d, err := OpenDevice(p.path)
		if err != nil {
			for _, c := range opened {
				c.Close()
			}
			return nil, err
		}
		opened = append(opened, d)
		*p.to = d
	}
	return s, nil
}

// locate finds the sector of autoboot.txt.
func locate(selector string) (int64, error) {
	f, err := os.Open(selector)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	volume, err := fat.Open(f)
	if err != nil {
		return 0, err
	}
	offset, size, err := volume.Locate(autobootFile)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return 0, fmt.Errorf("%w: there is none", ErrAutoboot)
	case err != nil:
		return 0, err
	case size != Sector || offset%Sector != 0:
		return 0, fmt.Errorf("%w: it has %d octets, not just a sector", ErrAutoboot, size)
	}
	return offset, nil
}
