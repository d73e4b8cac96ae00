package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Signature is the disk signature of a card with a telephone on it.
const Signature = 0x6f70686e

// Partitions of the card.
const (
	Selector = 1
	SystemA  = 2
	SystemB  = 3
	Data     = 4
)

const (
	// Sector is the unit of the partition table, in octets.
	Sector = 512

	signatureAt = 440
	tableAt     = 446
	entrySize   = 16
	magicAt     = 510

	block       = 8       // sectors: the file system's
	maxData     = 4 << 20 // sectors: 2 GiB
	typeLinux   = 0x83
	typeNothing = 0
)

// ErrNotOurs says that a disk has no telephone on it.
var ErrNotOurs = errors.New("not a telephone's card")

// Partition is where a partition is, in sectors.
type Partition struct{ Start, Sectors uint32 }

// Table is the master boot record of a card.
type Table [Sector]byte

// Check says whether a sector is the first of a telephone's card.
func (t *Table) Check() error {
	if t[magicAt] != 0x55 || t[magicAt+1] != 0xaa || binary.LittleEndian.Uint32(t[signatureAt:]) != Signature {
		return ErrNotOurs
	}
	return nil
}

// Partition is an entry of the table; n counts from 1. One that is not there has no
// sectors.
func (t *Table) Partition(n int) Partition {
	e := t.entry(n)
	if e[4] == typeNothing {
		return Partition{}
	}
	return Partition{binary.LittleEndian.Uint32(e[8:]), binary.LittleEndian.Uint32(e[12:])}
}

func (t *Table) entry(n int) []byte {
	at := tableAt + (n-1)*entrySize
	return t[at : at+entrySize]
}

// Grow gives the data partition what room there is on a disk of so many sectors, up to
// a limit. It never shrinks it. grown is false when the table stays as it is; the error
// says that the table makes no sense, and nothing was changed.
func (t *Table) Grow(disk uint64) (grown bool, err error) {
	p := t.Partition(Data)
	if p.Sectors == 0 || t.entry(Data)[4] != typeLinux {
		return false, fmt.Errorf("%w: no data partition", ErrNotOurs)
	}
	for n := Selector; n < Data; n++ {
		if o := t.Partition(n); o.Sectors != 0 && uint64(o.Start)+uint64(o.Sectors) > uint64(p.Start) {
			return false, fmt.Errorf("partition %d does not lie before the data partition", n)
		}
	}
	if uint64(p.Start)+uint64(p.Sectors) > disk {
		return false, fmt.Errorf("the data partition ends at sector %d of %d: the image was cut short", uint64(p.Start)+uint64(p.Sectors), disk)
	}
	sectors := min(disk-uint64(p.Start), maxData) / block * block
	if sectors <= uint64(p.Sectors) {
		return false, nil
	}
	binary.LittleEndian.PutUint32(t.entry(Data)[12:], uint32(sectors))
	return true, nil
}
