package fat

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"
)

// Open opens a file or a folder. A file is an io.ReaderAt and io.Seeker too.
func (f *FS) Open(name string) (fs.File, error) {
	i, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	if i.dir {
		return &openFolder{info: i, fs: f, name: name}, nil
	}
	runs, err := f.runs(i.first, i.size)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{io.NewSectionReader(&content{f, runs}, 0, i.size), i}, nil
}

// Stat describes a file or a folder.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	i, err := f.find("stat", name)
	if err != nil {
		return nil, err
	}
	return i, nil
}

// ReadDir lists a folder, sorted by name.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	i, err := f.find("readdir", name)
	if err != nil {
		return nil, err
	}
	var all []*info
	if err = fs.ErrInvalid; i.dir {
		all, err = f.list(i.first)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	slices.SortFunc(all, func(a, b *info) int { return cmp.Compare(a.name, b.name) })
	entries := make([]fs.DirEntry, len(all))
	for n, i := range all {
		entries[n] = i
	}
	return entries, nil
}

// openFile is an fs.File.
type openFile struct {
	*io.SectionReader
	info *info
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

// content is what lies in some runs, as an io.ReaderAt for a SectionReader, which
// asks for nothing beyond the end.
type content struct {
	fs   *FS
	runs []run
}

func (c *content) ReadAt(b []byte, at int64) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if err := c.fs.read(c.runs, b, at); err != nil {
		return 0, err
	}
	return len(b), nil
}

// openFolder is an fs.ReadDirFile.
type openFolder struct {
	info *info
	fs   *FS
	name string
	rest []fs.DirEntry
	read bool
}

func (d *openFolder) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openFolder) Close() error               { return nil }

func (d *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: fmt.Errorf("%w: it is a folder", fs.ErrInvalid)}
}

func (d *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if !d.read {
		all, err := d.fs.ReadDir(d.name)
		if err != nil {
			return nil, err
		}
		d.rest, d.read = all, true
	}
	if n > 0 && len(d.rest) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.rest) {
		n = len(d.rest)
	}
	some := d.rest[:n:n]
	d.rest = d.rest[n:]
	return some, nil
}

func (i *info) Name() string               { return i.name }
func (i *info) Size() int64                { return i.size }
func (i *info) ModTime() time.Time         { return i.time }
func (i *info) IsDir() bool                { return i.dir }
func (i *info) Sys() any                   { return nil }
func (i *info) Type() fs.FileMode          { return i.Mode().Type() }
func (i *info) Info() (fs.FileInfo, error) { return i, nil }
func (i *info) String() string             { return fs.FormatFileInfo(i) }

// Mode gives everybody every right that FAT can take away.
func (i *info) Mode() fs.FileMode {
	mode := fs.FileMode(0o666)
	if i.dir {
		mode = fs.ModeDir | 0o777
	}
	if i.ro {
		mode &^= 0o222
	}
	return mode
}
