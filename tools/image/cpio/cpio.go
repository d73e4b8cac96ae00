// Package cpio writes and reads the archives that the Linux kernel unpacks into its
// first file system ("newc", Documentation/driver-api/early-userspace/buffer-format.rst).
//
//	"070701" and thirteen numbers of eight hexadecimal digits:
//	  inode mode uid gid links time size  device of the file (2)  device it is (2)
//	  length of the name  checksum
//	the name, ended by a zero, filled up to four octets
//	the content, filled up to four octets
//
// The last entry is called TRAILER!!!. Owner and time are always 0, inodes count: the
// same entries make the same archive.
package cpio

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// Modes of entries: the kinds of files of stat(2), with their rights.
const (
	Folder  = 0o040755
	Regular = 0o100644
	Program = 0o100755
	Device  = 0o020600 // a character device
)

const (
	magic   = "070701"
	header  = len(magic) + 13*8
	trailer = "TRAILER!!!"
	maxName = 4096
)

// ErrFormat means that something is no such archive.
var ErrFormat = errors.New("not a newc archive")

// Entry is one file.
type Entry struct {
	Name         string // a path without a slash before it
	Mode         uint32
	Major, Minor uint32 // of a device
	Data         []byte
}

// Write writes an archive of the entries, in their order; folders that they lie in
// are put before them.
func Write(w io.Writer, entries []Entry) error {
	a := archive{w: w, folders: map[string]bool{".": true}}
	for _, e := range entries {
		if len(e.Name) > maxName || path.Clean(e.Name) != e.Name || path.IsAbs(e.Name) {
			return fmt.Errorf("%w: a file called %.40q", ErrFormat, e.Name)
		}
		a.parents(path.Dir(e.Name))
		if e.Mode == Folder {
			a.folders[e.Name] = true
		}
		a.entry(e)
	}
	a.entry(Entry{Name: trailer})
	return a.err
}

type archive struct {
	w       io.Writer
	inode   uint32
	folders map[string]bool
	err     error
}

func (a *archive) parents(dir string) {
	if a.folders[dir] {
		return
	}
	a.parents(path.Dir(dir))
	a.folders[dir] = true
	a.entry(Entry{Name: dir, Mode: Folder})
}

func (a *archive) entry(e Entry) {
	a.inode++
	var b strings.Builder
	b.WriteString(magic)
	for _, n := range []uint32{a.inode, e.Mode, 0, 0, 1, 0, uint32(len(e.Data)), 0, 0, e.Major, e.Minor, uint32(len(e.Name) + 1), 0} {
		fmt.Fprintf(&b, "%08x", n)
	}
	b.WriteString(e.Name + "\x00")
	a.put([]byte(b.String()))
	a.put(e.Data)
}

// put writes b and fills up to four octets; every part of an archive begins at a
// multiple of them.
func (a *archive) put(b []byte) {
	for _, b := range [][]byte{b, make([]byte, -len(b)&3)} {
		if a.err == nil {
			_, a.err = a.w.Write(b)
		}
	}
}

// Read reads a whole archive. The error may be ErrFormat.
func Read(b []byte) ([]Entry, error) {
	var all []Entry
	for rest := b; ; {
		if len(rest) < header || string(rest[:len(magic)]) != magic {
			return nil, fmt.Errorf("%w: no entry at %d", ErrFormat, len(b)-len(rest))
		}
		var n [13]uint32
		for i := range n {
			at := len(magic) + 8*i
			v, err := strconv.ParseUint(string(rest[at:at+8]), 16, 32)
			if err != nil {
				return nil, fmt.Errorf("%w: a number at %d", ErrFormat, len(b)-len(rest)+at)
			}
			n[i] = uint32(v)
		}
		size, length := uint64(n[6]), uint64(n[11])
		begin := (uint64(header) + length + 3) &^ 3
		end := (begin + size + 3) &^ 3
		if length == 0 || length > maxName+1 || end > uint64(len(rest)) || rest[uint64(header)+length-1] != 0 {
			return nil, fmt.Errorf("%w: an entry at %d that breaks off", ErrFormat, len(b)-len(rest))
		}
		e := Entry{string(rest[header : uint64(header)+length-1]), n[1], n[9], n[10], rest[begin : begin+size]}
		if e.Name == trailer {
			return all, nil
		}
		all = append(all, e)
		rest = rest[end:]
	}
}
