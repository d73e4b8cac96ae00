package fat

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// chain sets the FAT's entry for a cluster.
func chain(f *FS, d disk, cluster, next uint32) {
	binary.LittleEndian.PutUint32(d[int64(f.firstFAT)*Sector+int64(cluster)*4:], next)
}

// A file in pieces is read in the order of its chain; it cannot be located.
func TestPieces(t *testing.T) {
	d, _ := written(t, 40*mib, Bytes("x", strings.Repeat("a", 512)+strings.Repeat("b", 512)+strings.Repeat("c", 100)))
	f := opened(t, d)
	if f.clusterSize() != 512 {
		t.Fatal("another cluster size than this test thinks")
	}
	// a, b, c lie in 3, 4, 5: now a, c, b in the order 3, 5, 4.
	chain(f, d, 3, 5)
	chain(f, d, 5, 4)
	chain(f, d, 4, endMark)
	want := strings.Repeat("a", 512) + strings.Repeat("c", 100) + strings.Repeat("\x00", 412) + strings.Repeat("b", 100)
	if b, err := fs.ReadFile(f, "x"); err != nil || string(b) != want {
		t.Errorf("%q, %v", b, err)
	}
	if _, _, err := f.Locate("x"); !errors.Is(err, ErrPieces) {
		t.Errorf("located: %v", err)
	}
}

// Damage gives an error, and no endless loop.
func TestDamage(t *testing.T) {
	fresh := func() (*FS, disk) {
		d, _ := written(t, 40*mib, Bytes("x", make([]byte, 1500)), Bytes("dir/y", "y"))
		return opened(t, d), d // root 2, dir 3, x 4 to 6, y 7
	}
	f, d := fresh()
	chain(f, d, 5, 0)
	if _, err := fs.ReadFile(f, "x"); !errors.Is(err, ErrDamaged) {
		t.Errorf("a chain that breaks off: %v", err)
	}
	f, d = fresh()
	chain(f, d, 5, f.clusters+2)
	if _, err := fs.ReadFile(f, "x"); !errors.Is(err, ErrDamaged) {
		t.Errorf("a chain that leaves the volume: %v", err)
	}
	f, d = fresh()
	for e := range slices.Chunk(d[f.offset(2):f.offset(3)], entrySize) {
		e[0] = 0xe5 // deleted, none is the last
	}
	chain(f, d, 2, 2)
	if _, err := f.ReadDir("."); !errors.Is(err, ErrDamaged) {
		t.Errorf("a folder in a circle: %v", err)
	}
	f, d = fresh()
	all, err := f.list(2)
	if err != nil {
		t.Fatal(err)
	}
	dir := all[slices.IndexFunc(all, func(i *info) bool { return i.dir })]
	at := bytes.Index(d, []byte("DIR     "))
	binary.LittleEndian.PutUint16(d[at+26:], 2)
	if _, err := f.ReadDir("dir/dir"); !errors.Is(err, ErrDamaged) {
		t.Errorf("a folder in itself (it was at %d): %v", dir.first, err)
	}
	for at, b := range map[int]byte{510: 0, 11: 1, 13: 3, 14: 0, 16: 0, 17: 1, 44: 1, 39: 0xff} {
		_, d = fresh()
		d[at] = b
		if at == 14 {
			d[15] = 0
		}
		if _, err := Open(d); !errors.Is(err, ErrNotFAT32) {
			t.Errorf("octet %d of the boot sector is %d: %v", at, b, err)
		}
	}
	if _, err := Open(disk("short")); err == nil {
		t.Error("five octets were opened")
	}
}

// Whatever lies in the boot sector, the FAT and the root directory, reading ends,
// and reads nothing outside the volume.
func FuzzRead(f *testing.F) {
	const size = 34 * mib
	d, used := written(f, size, Bytes("long name of a file.txt", "abc"), Bytes("dir/sub/y", strings.Repeat("y", 2000)))
	g, err := plan(size)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(d[:90]), []byte(d[g.firstFAT*Sector:][:64]), []byte(d[g.offset(2):used]))
	f.Fuzz(func(t *testing.T, boot, table, folders []byte) {
		v := patched{d, []patch{{0, boot}, {int64(g.firstFAT) * Sector, table}, {g.offset(2), folders}}}
		fsys, err := Open(v)
		if err != nil {
			return
		}
		seen, enough := 0, errors.New("enough")
		err = fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
			if seen++; seen > 200 {
				return enough
			}
			if err == nil && !e.IsDir() {
				fsys.Locate(name)
				if file, err := fsys.Open(name); err == nil {
					io.CopyN(io.Discard, file, 1<<16)
				}
			}
			return nil
		})
		if err != nil && err != enough {
			t.Errorf("walked: %v", err)
		}
	})
}

// patched is a volume some of whose octets are others.
type patched struct {
	disk
	patches []patch
}

type patch struct {
	at int64
	b  []byte
}

func (p patched) ReadAt(b []byte, at int64) (int, error) {
	n, err := p.disk.ReadAt(b, at)
	for _, c := range p.patches {
		if lo, hi := max(at, c.at), min(at+int64(n), c.at+int64(len(c.b))); lo < hi {
			copy(b[lo-at:hi-at], c.b[lo-c.at:])
		}
	}
	return n, err
}
