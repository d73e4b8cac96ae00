package main

import (
	"encoding/binary"
	"io"

	"chordophone/firmware/appliance/disk"
	"chordophone/storage/fat"
)

const mib = 1 << 20

// firstAt is where the first partition begins. Partitions begin at multiples of 4 MiB,
// the largest unit in which cards erase; what lies before the first is the partition
// table and what the telephone keeps beside it.
const firstAt = 4 * mib

// shape is the sizes of the partitions, in octets.
type shape struct{ selector, slot, data int64 }

// standard is the shape of every telephone's card. A slot has room for four times
// today's system: it cannot grow later. The data partition is zeros, a sign for the
// telephone to make it as large as the card and format it at the first start.
func standard() shape { return shape{selector: 64 * mib, slot: 128 * mib, data: 64 * mib} }

// size is that of the image.
func (s shape) size() int64 { return firstAt + s.selector + 2*s.slot + s.data }

// Numbers of volumes. They are not random, so that the same files make the same image.
const (
	selectorID = 0x63686f72
	slotID     = 0x646f7068
)

// card is an image to be.
type card struct {
	shape    shape
	selector fat.Volume
	system   fat.Volume // of both slots
}

// partition is an entry of the partition table, in octets.
type partition struct {
	at, size int64
	kind     byte
}

// Kinds of partitions.
const (
	kindFAT32 = 0x0c // addressed by sector numbers
	kindLinux = 0x83
)

// partitions are those of the card, in their order.
func (s shape) partitions() (all [4]partition) {
	at := int64(firstAt)
	for i, p := range [4]partition{
		disk.Selector - 1: {size: s.selector, kind: kindFAT32},
		disk.SystemA - 1:  {size: s.slot, kind: kindFAT32},
		disk.SystemB - 1:  {size: s.slot, kind: kindFAT32},
		disk.Data - 1:     {size: s.data, kind: kindLinux},
	} {
		p.at = at
		all[i] = p
		at += p.size
	}
	return all
}

// table is the partition table, the master boot record.
func (s shape) table() []byte {
	b := make([]byte, disk.Sector)
	binary.LittleEndian.PutUint32(b[440:], disk.Signature)
	for i, p := range s.partitions() {
		e := b[446+16*i:]
		// Cylinders, heads and sectors that say: look at the numbers behind.
		copy(e, []byte{0, 0xfe, 0xff, 0xff, p.kind, 0xfe, 0xff, 0xff})
		binary.LittleEndian.PutUint32(e[8:], uint32(p.at/disk.Sector))
		binary.LittleEndian.PutUint32(e[12:], uint32(p.size/disk.Sector))
	}
	b[510], b[511] = 0x55, 0xaa
	return b
}

// write writes the image to a file of zeros.
//
// Both slots get the same system. An empty B would do for updates, which write a whole
// slot, and save 26 MB of the compressed image. But with a full one there is another
// system to start from the first day on: for the boot firmware of a Raspberry Pi 4 or 5
// when A cannot be read, and for a person, who changes one digit of autoboot.txt; and
// there is no state of the card that an update meets once only.
func (c card) write(w io.WriterAt) error {
	if _, err := w.WriteAt(c.shape.table(), 0); err != nil {
		return err
	}
	for i, v := range []fat.Volume{c.selector, c.system, c.system} {
		if _, err := v.Write(io.NewOffsetWriter(w, c.shape.partitions()[i].at)); err != nil {
			return err
		}
	}
	return nil
}
