package fat

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Sector is the size of a sector in octets; no other is in use on SD cards.
const Sector = 512

const (
	reserved    = 32     // sectors before the first FAT, at least
	alignment   = 8      // sectors: the clusters begin at a multiple of 4 KiB of the volume
	minClusters = 65525  // fewer make a volume FAT16, whatever it says
	mostSectors = 1 << 8 // sectors a cluster, less than
	rootCluster = 2
	entrySize   = 32
	maxFile     = 1<<32 - 1 // octets

	backup   = 6          // sector of the second boot sector
	endMark  = 0x0fffffff // of a chain; anything from endFirst on is one
	endFirst = 0x0ffffff8
	badMark  = 0x0ffffff7
	mediaRow = 0x0ffffff8 // first entry of a FAT: the kind of medium
	maskFAT  = 0x0fffffff // the upper four bits are not ours
)

// geometry says where things are; all counts are sectors unless named otherwise.
type geometry struct {
	sectors    uint32
	perCluster uint32
	firstFAT   uint32
	fats       uint32
	fatSize    uint32
	root       uint32 // its first cluster
	clusters   uint32 // how many; the last one is clusters+1
}

func (g geometry) data() uint32 { return g.firstFAT + g.fats*g.fatSize }

func (g geometry) clusterSize() int64 { return int64(g.perCluster) * Sector }

// offset is where a cluster begins, in octets from the volume's start.
func (g geometry) offset(cluster uint32) int64 {
	return int64(g.data())*Sector + int64(cluster-rootCluster)*g.clusterSize()
}

func (g geometry) valid(cluster uint32) bool {
	return cluster >= rootCluster && cluster-rootCluster < g.clusters
}

// plan lays a volume of size octets out, with the largest clusters, up to 4 KiB,
// that leave enough of them.
func plan(size int64) (geometry, error) {
	if size%Sector != 0 || size/Sector > 1<<32-1 {
		return geometry{}, fmt.Errorf("%w: a volume of %d octets", ErrSize, size)
	}
	g := geometry{sectors: uint32(size / Sector), fats: 2, root: rootCluster}
	for g.perCluster = 8; g.perCluster > 0; g.perCluster /= 2 {
		// Entries for all sectors are more than enough: the FATs take some of them.
		entries := int64(g.sectors)/int64(g.perCluster) + rootCluster
		g.fatSize = uint32((entries*4 + Sector - 1) / Sector)
		g.firstFAT = reserved + (alignment-(reserved+g.fats*g.fatSize)%alignment)%alignment
		if g.sectors <= g.data() {
			continue
		}
		g.clusters = (g.sectors - g.data()) / g.perCluster
		if g.clusters >= minClusters+16 { // some programs are off by a few
			return g, nil
		}
	}
	return geometry{}, fmt.Errorf("%w: FAT32 needs at least 33 MiB, not %d octets", ErrSize, size)
}

// bootSector writes the geometry down.
func (g geometry) bootSector(id uint32, label [11]byte) []byte {
	b := make([]byte, Sector)
	copy(b, "\xeb\x58\x90MSWIN4.1") // a jump, and the name that old programs trust most
	le := binary.LittleEndian
	le.PutUint16(b[11:], Sector)
	b[13] = byte(g.perCluster)
	le.PutUint16(b[14:], uint16(g.firstFAT))
	b[16] = byte(g.fats)
	b[21] = 0xf8             // a disk that stays in its drive
	le.PutUint16(b[24:], 63) // sectors and heads of nothing that exists
	le.PutUint16(b[26:], 255)
	le.PutUint32(b[32:], g.sectors) // 28: no hidden sectors, so that a copy elsewhere is the same
	le.PutUint32(b[36:], g.fatSize)
	le.PutUint32(b[44:], g.root)
	le.PutUint16(b[48:], 1) // FSInfo
	le.PutUint16(b[50:], backup)
	b[64] = 0x80
	b[66] = 0x29 // the next three are there
	le.PutUint32(b[67:], id)
	copy(b[71:], label[:])
	copy(b[82:], "FAT32   ")
	le.PutUint16(b[510:], 0xaa55)
	return b
}

// infoSector is the FSInfo sector.
func (g geometry) infoSector(used uint32) []byte {
	b := make([]byte, Sector)
	le := binary.LittleEndian
	le.PutUint32(b, 0x41615252)
	le.PutUint32(b[484:], 0x61417272)
	le.PutUint32(b[488:], g.clusters-used)
	le.PutUint32(b[492:], rootCluster+used) // where to look for a free one first
	le.PutUint32(b[508:], 0xaa550000)
	return b
}

// parse reads a boot sector.
func parse(b []byte) (geometry, error) {
	le := binary.LittleEndian
	bad := func(what string) (geometry, error) { return geometry{}, fmt.Errorf("%w: %s", ErrNotFAT32, what) }
	if le.Uint16(b[510:]) != 0xaa55 {
		return bad("no boot sector")
	}
	if n := le.Uint16(b[11:]); n != Sector {
		return bad(fmt.Sprintf("sectors of %d octets", n))
	}
	g := geometry{
		sectors:    le.Uint32(b[32:]),
		perCluster: uint32(b[13]),
		firstFAT:   uint32(le.Uint16(b[14:])),
		fats:       uint32(b[16]),
		fatSize:    le.Uint32(b[36:]),
		root:       le.Uint32(b[44:]),
	}
	switch begin := uint64(g.firstFAT) + uint64(g.fats)*uint64(g.fatSize); {
	case le.Uint16(b[17:]) != 0 || le.Uint16(b[22:]) != 0:
		return bad("it is FAT12 or FAT16")
	case g.perCluster == 0 || g.perCluster&(g.perCluster-1) != 0 || g.perCluster >= mostSectors:
		return bad(fmt.Sprintf("%d sectors a cluster", g.perCluster))
	case g.firstFAT == 0 || g.fats == 0 || g.fats > 2 || g.fatSize == 0 || begin >= uint64(g.sectors):
		return bad("FATs that do not fit")
	}
	g.clusters = (g.sectors - g.data()) / g.perCluster
	if uint64(g.clusters)+rootCluster > uint64(g.fatSize)*Sector/4 {
		return bad("more clusters than entries for them")
	}
	if !g.valid(g.root) {
		return bad("no root directory")
	}
	return g, nil
}

var (
	// ErrNotFAT32 means that there is no FAT32 file system.
	ErrNotFAT32 = errors.New("not a FAT32 file system")
	// ErrDamaged means that a file system contradicts itself.
	ErrDamaged = errors.New("damaged FAT32 file system")
	// ErrSize means that a size cannot be.
	ErrSize = errors.New("impossible size")
	// ErrFull means that the files do not fit into the volume.
	ErrFull = errors.New("volume full")
	// ErrName means that FAT has no such names.
	ErrName = errors.New("not a name for a file")
	// ErrPieces means that a file does not lie in one piece.
	ErrPieces = errors.New("file lies in pieces")
)
