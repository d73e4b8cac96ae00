package fat

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// Volume is a file system to be written.
type Volume struct {
	Size  int64  // of the volume, in octets: a multiple of Sector
	Label string // at most 11 capitals, digits, blanks
	ID    uint32
	Files []File // in the order in which they shall lie; folders come by themselves
}

// File is one file of a Volume.
type File struct {
	Name    string // a path with slashes, as in io/fs
	Size    int64  // in octets
	Content io.ReaderAt
}

// Bytes makes a file of a text.
func Bytes[T string | []byte](name string, text T) File {
	return File{name, int64(len(text)), bytes.NewReader([]byte(text))}
}

// epoch is 1980-01-01, the first date there is: the same files make the same
// volume on any day.
const epoch = 0x0021

// Write writes the file system, from offset 0 of w, and returns how much of its
// front is used, in octets: a multiple of the cluster size. Free space is left as
// it is, which must be zeros where only the front is written. Errors are ErrSize,
// ErrName, ErrFull (nothing was written), and those of w and of the files.
func (v Volume) Write(w io.WriterAt) (used int64, err error) {
	g, err := plan(v.Size)
	if err != nil {
		return 0, err
	}
	label, err := labelOf(v.Label)
	if err != nil {
		return 0, err
	}
	t := &tree{geometry: g, next: rootCluster, root: newFolder(nil)}
	t.folders = []*folder{t.root}
	for _, f := range v.Files {
		if err := t.add(f); err != nil {
			return 0, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if err := t.place(v.Label != ""); err != nil {
		return 0, err
	}
	return t.end(), t.write(w, v.ID, label)
}

func labelOf(text string) (label [11]byte, err error) {
	if len(text) > 11 || !shortForm(strings.ReplaceAll(text, " ", "")) {
		return label, fmt.Errorf("%w: label %q", ErrName, text)
	}
	if text == "" {
		text = "NO NAME"
	}
	copy(label[:], fmt.Sprintf("%-11s", text))
	return label, nil
}

func (t *tree) end() int64 { return t.offset(t.next) }

func (t *tree) write(w io.WriterAt, id uint32, label [11]byte) error {
	// Head, FATs and directories are small; the files are copied.
	head := make([]byte, int64(t.data())*Sector)
	boot, info := t.bootSector(id, label), t.infoSector(t.next-rootCluster)
	for _, at := range []int{0, backup} {
		copy(head[at*Sector:], boot)
		copy(head[(at+1)*Sector:], info)
	}
	for i := range t.fats {
		t.fillFAT(head[(t.firstFAT+i*t.fatSize)*Sector:])
	}
	if _, err := w.WriteAt(head, 0); err != nil {
		return err
	}
	for _, d := range t.folders {
		b := make([]byte, int64(d.at.n)*t.clusterSize())
		d.fill(b, label, t.root)
		if _, err := w.WriteAt(b, t.offset(d.at.first)); err != nil {
			return err
		}
	}
	for _, d := range t.folders {
		for _, e := range d.entries {
			if e.folder != nil || e.at.n == 0 {
				continue
			}
			if err := t.copyFile(w, e); err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
		}
	}
	return nil
}

// copyFile writes a file and the zeros up to the end of its last cluster.
func (t *tree) copyFile(w io.WriterAt, e *entry) error {
	to := io.NewOffsetWriter(w, t.offset(e.at.first))
	if n, err := io.Copy(to, io.NewSectionReader(e.file.Content, 0, e.file.Size)); err != nil || n != e.file.Size {
		return fmt.Errorf("%d of %d octets: %w", n, e.file.Size, orShort(err))
	}
	_, err := to.Write(make([]byte, int64(e.at.n)*t.clusterSize()-e.file.Size))
	return err
}

func orShort(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (t *tree) fillFAT(b []byte) {
	le := binary.LittleEndian
	le.PutUint32(b, mediaRow)
	le.PutUint32(b[4:], endMark) // and: not in use, no errors
	for _, r := range t.chains {
		for c := r.first; c < r.first+r.n-1; c++ {
			le.PutUint32(b[4*c:], c+1)
		}
		le.PutUint32(b[4*(r.first+r.n-1):], endMark)
	}
}

// fill writes a directory's entries.
func (d *folder) fill(b []byte, label [11]byte, root *folder) {
	put := func(name [11]byte, marks, attr byte, first uint32, size int64) {
		le := binary.LittleEndian
		copy(b, name[:])
		b[11], b[12] = attr, marks
		le.PutUint16(b[16:], epoch) // created
		le.PutUint16(b[18:], epoch) // read
		le.PutUint16(b[24:], epoch) // written
		le.PutUint16(b[20:], uint16(first>>16))
		le.PutUint16(b[26:], uint16(first))
		le.PutUint32(b[28:], uint32(size))
		b = b[entrySize:]
	}
	switch {
	case d.parent != nil:
		up := d.parent.at.first
		if d.parent == root {
			up = 0 // by the specification, though the root has a cluster
		}
		put([11]byte([]byte(".          ")), 0, attrDirectory, d.at.first, 0)
		put([11]byte([]byte("..         ")), 0, attrDirectory, up, 0)
	case strings.TrimRight(string(label[:]), " ") != "NO NAME":
		put(label, 0, attrLabel, 0, 0)
	}
	for _, e := range d.entries {
		copy(b, e.long)
		b = b[len(e.long):]
		if e.folder != nil {
			put(e.short, e.marks, attrDirectory, e.at.first, 0)
		} else {
			put(e.short, e.marks, attrArchive, e.at.first, e.file.Size)
		}
	}
}
