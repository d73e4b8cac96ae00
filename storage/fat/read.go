package fat

import (
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// FS is a FAT32 file system that somebody wrote. It is an fs.FS, fs.ReadDirFS and
// fs.StatFS; it reads from its volume at each call and keeps nothing, so that it
// may be used by several goroutines, and while the volume is written one sees
// what lies there at that moment.
type FS struct {
	geometry
	volume io.ReaderAt
}

var (
	_ fs.ReadDirFS = (*FS)(nil)
	_ fs.StatFS    = (*FS)(nil)
)

// Open reads the head of a volume, which begins at offset 0 of r. The error may be
// ErrNotFAT32.
func Open(r io.ReaderAt) (*FS, error) {
	b := make([]byte, Sector)
	if _, err := r.ReadAt(b, 0); err != nil {
		return nil, fmt.Errorf("boot sector: %w", err)
	}
	g, err := parse(b)
	if err != nil {
		return nil, err
	}
	return &FS{g, r}, nil
}

// Locate says where a file lies: its offset in the volume and its size, in octets.
// What is written there is the file's content; it keeps its size, and the rest of
// the file system is untouched. The error is ErrPieces for a file in several
// pieces, and fs.ErrNotExist.
func (f *FS) Locate(name string) (offset, size int64, err error) {
	i, err := f.find("locate", name)
	if err != nil {
		return 0, 0, err
	}
	wrong := func(err error) (int64, int64, error) {
		return 0, 0, &fs.PathError{Op: "locate", Path: name, Err: err}
	}
	if i.IsDir() || i.size == 0 {
		return wrong(fmt.Errorf("%w: a file with content is needed", fs.ErrInvalid))
	}
	runs, err := f.runs(i.first, i.size)
	if err != nil {
		return wrong(err)
	}
	if len(runs) > 1 {
		return wrong(ErrPieces)
	}
	return f.offset(runs[0].first), i.size, nil
}

// table reads entries of the first FAT, a sector at a time.
type table struct {
	f      *FS
	sector uint32 // that b holds, 0: none
	b      [Sector]byte
}

func (t *table) next(cluster uint32) (uint32, error) {
	at := t.f.firstFAT + cluster/(Sector/4)
	if at != t.sector {
		if _, err := t.f.volume.ReadAt(t.b[:], int64(at)*Sector); err != nil {
			return 0, fmt.Errorf("FAT: %w", err)
		}
		t.sector = at
	}
	return binary.LittleEndian.Uint32(t.b[cluster%(Sector/4)*4:]) & maskFAT, nil
}

// runs follows a chain that must hold size octets, and returns its pieces.
func (f *FS) runs(first uint32, size int64) ([]run, error) {
	need := (size + f.clusterSize() - 1) / f.clusterSize()
	if need > int64(f.clusters) {
		return nil, fmt.Errorf("%w: a file larger than its volume", ErrDamaged)
	}
	var runs []run
	t := table{f: f}
	for c := first; need > 0; need-- {
		if !f.valid(c) {
			return nil, fmt.Errorf("%w: a file breaks off", ErrDamaged)
		}
		if last := len(runs) - 1; last >= 0 && c == runs[last].first+runs[last].n {
			runs[last].n++
		} else {
			runs = append(runs, run{c, 1})
		}
		if need == 1 {
			break
		}
		var err error
		if c, err = t.next(c); err != nil {
			return nil, err
		}
	}
	return runs, nil
}

// read fills b from the octet at on of what lies in runs.
func (f *FS) read(runs []run, b []byte, at int64) error {
	for _, r := range runs {
		size := int64(r.n) * f.clusterSize()
		if at >= size {
			at -= size
			continue
		}
		part := b[:min(int64(len(b)), size-at)]
		if n, err := f.volume.ReadAt(part, f.offset(r.first)+at); n < len(part) {
			return fmt.Errorf("cluster %d: %w", r.first, orShort(err))
		}
		if b = b[len(part):]; len(b) == 0 {
			return nil
		}
		at = 0
	}
	return fmt.Errorf("%w: a file breaks off", ErrDamaged)
}

// list reads a directory, in the order in which it lies.
func (f *FS) list(first uint32) ([]*info, error) {
	var all []*info
	var long longName
	t := table{f: f}
	b := make([]byte, f.clusterSize())
	for c, octets := first, int64(0); c < endFirst; octets += f.clusterSize() {
		if !f.valid(c) || octets >= maxFolder {
			return nil, fmt.Errorf("%w: a folder does not end", ErrDamaged)
		}
		if n, err := f.volume.ReadAt(b, f.offset(c)); n < len(b) {
			return nil, fmt.Errorf("cluster %d: %w", c, orShort(err))
		}
		for e := range slices.Chunk(b, entrySize) {
			switch {
			case e[0] == 0:
				return all, nil
			case e[0] == 0xe5: // deleted
				long = longName{}
			case e[11]&0x3f == attrLong:
				long.piece(e)
			case e[11]&attrLabel != 0 || e[0] == '.':
				long = longName{}
			default:
				i := entryInfo(e, &long)
				if fs.ValidPath(i.name) && i.name != "." && !strings.Contains(i.name, "/") {
					all = append(all, i)
				}
			}
		}
		var err error
		if c, err = t.next(c); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// info is an entry of a directory: an fs.FileInfo and fs.DirEntry.
type info struct {
	name  string
	dir   bool
	ro    bool
	size  int64
	first uint32
	time  time.Time
}

func entryInfo(e []byte, long *longName) *info {
	le := binary.LittleEndian
	s := shortName(e[:11])
	i := &info{
		name:  long.take(s),
		dir:   e[11]&attrDirectory != 0,
		ro:    e[11]&attrReadOnly != 0,
		first: uint32(le.Uint16(e[20:]))<<16 | uint32(le.Uint16(e[26:])),
		time:  when(le.Uint16(e[24:]), le.Uint16(e[22:])),
	}
	if i.name == "" {
		i.name = s.text(e[12])
	}
	if !i.dir {
		i.size = int64(le.Uint32(e[28:]))
	}
	return i
}

// when reads a date and a time of day, whose zone nobody knows.
func when(date, clock uint16) time.Time {
	return time.Date(1980+int(date>>9), time.Month(date>>5&15), int(date&31),
		int(clock>>11), int(clock>>5&63), int(clock&31)*2, 0, time.UTC)
}

// find looks a path up.
func (f *FS) find(op, name string) (*info, error) {
	wrong := func(err error) (*info, error) { return nil, &fs.PathError{Op: op, Path: name, Err: err} }
	if !fs.ValidPath(name) {
		return wrong(fs.ErrInvalid)
	}
	at := &info{name: ".", dir: true, first: f.root}
	if name == "." {
		return at, nil
	}
	above := []uint32{f.root}
	for part := range strings.SplitSeq(name, "/") {
		if !at.dir {
			return wrong(fs.ErrNotExist)
		}
		all, err := f.list(at.first)
		if err != nil {
			return wrong(err)
		}
		n := slices.IndexFunc(all, func(i *info) bool { return strings.EqualFold(i.name, part) })
		if n < 0 {
			return wrong(fs.ErrNotExist)
		}
		at = all[n]
		if at.dir && slices.Contains(above, at.first) {
			return wrong(fmt.Errorf("%w: a folder that holds itself", ErrDamaged))
		}
		above = append(above, at.first)
	}
	return at, nil
}
