package nbd

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
)

// Sector is what is written whole or not at all.
const Sector = 512

// ErrCut is returned by a disk without power.
var ErrCut = errors.New("the disk has no power")

// Medium is what keeps data without power.
type Medium interface {
	io.ReaderAt
	io.WriterAt
}

// Disk is a medium behind a volatile cache. Its methods may be called from several
// goroutines.
type Disk struct {
	// Lies says that the disk answers a flush, or a forced write, without keeping
	// anything. It is for proving that a test notices lost data. Not to be changed
	// while the disk is in use.
	Lies bool

	size int64

	mu     sync.Mutex
	medium Medium
	cache  map[int64][]byte // sector number to its data, written and not flushed
	dead   bool
	doomed int           // writes until the power goes, 0 if it stays
	first  int64         // sectors whose writes count for that
	last   int64         //
	went   chan struct{} // closed when it goes
}

// NewDisk returns a disk with power; size in octets is a multiple of Sector.
func NewDisk(m Medium, size int64) (*Disk, error) {
	if size <= 0 || size%Sector != 0 {
		return nil, fmt.Errorf("a disk of %d octets has no whole sectors", size)
	}
	return &Disk{size: size, medium: m, cache: map[int64][]byte{}}, nil
}

// Size in octets.
func (d *Disk) Size() int64 { return d.size }

// inside checks that a piece is within the disk and made of whole sectors.
func (d *Disk) inside(n int, at int64) error {
	if at < 0 || at > d.size-int64(n) || at%Sector != 0 || n%Sector != 0 {
		return fmt.Errorf("no %d octets at %d on a disk of %d", n, at, d.size)
	}
	return nil
}

// ReadAt reads whole sectors, as written last.
func (d *Disk) ReadAt(b []byte, at int64) (int, error) {
	if err := d.inside(len(b), at); err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return 0, ErrCut
	}
	if _, err := d.medium.ReadAt(b, at); err != nil {
		return 0, err
	}
	for i := 0; i < len(b); i += Sector {
		if s, ok := d.cache[(at+int64(i))/Sector]; ok {
			copy(b[i:], s)
		}
	}
	return len(b), nil
}

// WriteAt writes whole sectors into the cache.
func (d *Disk) WriteAt(b []byte, at int64) (int, error) {
	if err := d.inside(len(b), at); err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return 0, ErrCut
	}
	for i := 0; i < len(b); i += Sector {
		d.cache[(at+int64(i))/Sector] = slices.Clone(b[i : i+Sector])
	}
	if d.doomed > 0 && at/Sector <= d.last && (at+int64(len(b))-1)/Sector >= d.first {
		if d.doomed--; d.doomed == 0 {
			d.dead = true
			close(d.went)
			return 0, ErrCut
		}
	}
	return len(b), nil
}

// Doom lets the power go at the n-th write from now: it reaches the cache, and nobody
// is told so. Cut then says what survives. The channel is closed when the power goes.
func (d *Disk) Doom(n int) <-chan struct{} { return d.doom(n, 0, d.size/Sector-1) }

// DoomAt lets the power go at the next write to a sector, in the same way.
func (d *Disk) DoomAt(sector int64) <-chan struct{} { return d.doom(1, sector, sector) }

func (d *Disk) doom(n int, first, last int64) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.doomed, d.first, d.last, d.went = n, first, last, make(chan struct{})
	return d.went
}

// Flush keeps all that was written.
func (d *Disk) Flush() error { return d.keep(0, d.size) }

// keep keeps what was written of n octets from at.
func (d *Disk) keep(at, n int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return ErrCut
	}
	if d.Lies {
		return nil
	}
	for _, s := range d.dirty() {
		if s*Sector < at || s*Sector >= at+n {
			continue
		}
		if _, err := d.medium.WriteAt(d.cache[s], s*Sector); err != nil {
			return err
		}
		delete(d.cache, s)
	}
	return nil
}

// dirty are the sectors in the cache, in order. The caller holds the lock.
func (d *Disk) dirty() []int64 {
	all := make([]int64, 0, len(d.cache))
	for s := range d.cache {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

// Cut takes the power away. Of the sectors that were not kept each survives with
// probability p. It returns how many there were, and how many survived.
func (d *Disk) Cut(rng *rand.Rand, p float64) (dirty, survived int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead, d.doomed = true, 0
	for _, s := range d.dirty() {
		dirty++
		if rng.Float64() >= p {
			continue
		}
		if _, err := d.medium.WriteAt(d.cache[s], s*Sector); err != nil {
			return dirty, survived, err
		}
		survived++
	}
	clear(d.cache)
	return dirty, survived, nil
}

// Power gives the power back.
func (d *Disk) Power() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = false
}
