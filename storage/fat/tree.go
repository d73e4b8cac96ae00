package fat

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// tree is a volume in the making.
type tree struct {
	geometry
	root    *folder
	folders []*folder // in the order in which they lie
	next    uint32    // first cluster not yet given away
	chains  []run     // of all that was placed
}

type run struct{ first, n uint32 }

type folder struct {
	parent  *folder // nil: the root
	entries []*entry
	names   map[string]bool // in small letters
	shorts  aliases
	octets  int // of its entries
	at      run
}

func newFolder(parent *folder) *folder {
	return &folder{parent: parent, names: map[string]bool{}, shorts: aliases{map[shortName]bool{}, map[string]int{}}}
}

// entry is a file or a folder in its folder.
type entry struct {
	name   string
	short  shortName
	marks  byte
	long   []byte // entries before it
	folder *folder
	file   File
	at     run
}

// add puts a file into the tree.
func (t *tree) add(f File) error {
	if !fs.ValidPath(f.Name) || f.Name == "." {
		return fmt.Errorf("%w: it must be a relative path with slashes", ErrName)
	}
	if f.Size < 0 || f.Size > maxFile {
		return fmt.Errorf("%w: %d octets, but a file on FAT32 has less than 4 GiB", ErrSize, f.Size)
	}
	in := t.root
	dir, name := path.Split(f.Name)
	for part := range strings.SplitSeq(strings.TrimSuffix(dir, "/"), "/") {
		if part == "" {
			break
		}
		var err error
		if in, err = t.enter(in, part); err != nil {
			return err
		}
	}
	e, err := in.entry(name)
	if err == nil {
		e.file = f
	}
	return err
}

// enter finds a folder in a folder, or makes it.
func (t *tree) enter(in *folder, name string) (*folder, error) {
	for _, e := range in.entries {
		if strings.EqualFold(e.name, name) && e.folder != nil {
			return e.folder, nil
		}
	}
	e, err := in.entry(name)
	if err != nil {
		return nil, err
	}
	e.folder = newFolder(in)
	e.folder.octets = 2 * entrySize // itself and the one above
	t.folders = append(t.folders, e.folder)
	return e.folder, nil
}

// entry makes room for a name.
func (d *folder) entry(name string) (*entry, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if d.names[strings.ToLower(name)] {
		return nil, fmt.Errorf("%w: %q stands twice, upper and lower case being the same", ErrName, name)
	}
	d.names[strings.ToLower(name)] = true
	e := &entry{name: name}
	var ok bool
	if e.short, e.marks, ok = short(name); !ok || d.shorts.taken[e.short] {
		e.short, e.marks = d.shorts.of(name), 0
		e.long = longEntries(name, e.short)
	}
	d.shorts.taken[e.short] = true
	d.octets += len(e.long) + entrySize
	d.entries = append(d.entries, e)
	return e, nil
}

// maxFolder is the size of a directory in octets: what a 16-bit number of entries
// takes.
const maxFolder = 1 << 16 * entrySize

// place gives everything its clusters: folders first, then files.
func (t *tree) place(labelled bool) error {
	if labelled {
		t.root.octets += entrySize
	}
	for _, d := range t.folders {
		if d.octets > maxFolder {
			return fmt.Errorf("%w: too many names in one folder", ErrFull)
		}
		if err := t.take(&d.at, int64(max(d.octets, 1))); err != nil {
			return err
		}
	}
	for _, d := range t.folders {
		for _, e := range d.entries {
			if e.folder != nil {
				e.at = e.folder.at
			} else if err := t.take(&e.at, e.file.Size); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
	}
	return nil
}

// take gives the next clusters away. An empty file has none.
func (t *tree) take(at *run, octets int64) error {
	n := (octets + t.clusterSize() - 1) / t.clusterSize()
	if n == 0 {
		return nil
	}
	if free := int64(t.clusters) - int64(t.next-rootCluster); n > free {
		return fmt.Errorf("%w: %d octets are left, %d are needed", ErrFull, free*t.clusterSize(), octets)
	}
	*at = run{t.next, uint32(n)}
	t.next += uint32(n)
	t.chains = append(t.chains, *at)
	return nil
}
