package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path"
)

// archive is an initramfs in the making. // Documentation/driver-api/early-userspace/buffer-format.rst
type archive struct {
	b       bytes.Buffer
	inode   int
	folders map[string]bool
}

// The kinds of files of stat(2).
const (
	folder    = 0o040755
	regular   = 0o100755
	character = 0o020600
)

// programs adds the device nodes that a Go program needs before main.
func (a *archive) programs() {
	a.device("dev/console", 5, 1)
	a.device("dev/null", 1, 3)
}

// text adds a file that holds text.
func (a *archive) text(name, text string) {
	a.parent(name)
	a.entry(name, regular, 0, 0, []byte(text))
}

// file adds a file of the host.
func (a *archive) file(name, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	a.parent(name)
	a.entry(name, regular, 0, 0, b)
	return nil
}

// device adds a character device.
func (a *archive) device(name string, major, minor int) {
	a.parent(name)
	a.entry(name, character, major, minor, nil)
}

// parent adds the folder of a file, once.
func (a *archive) parent(name string) {
	dir := path.Dir(name)
	if dir == "." || a.folders[dir] {
		return
	}
	if a.folders == nil {
		a.folders = map[string]bool{}
	}
	a.folders[dir] = true
	a.entry(dir, folder, 0, 0, nil)
}

// entry adds one entry of the newc format: thirteen numbers, the name, the data,
// each of the latter two filled up to four octets.
func (a *archive) entry(name string, mode, major, minor int, data []byte) {
	a.inode++
	a.b.WriteString("070701")
	for _, n := range []int{a.inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name) + 1, 0} {
		fmt.Fprintf(&a.b, "%08x", n)
	}
	a.b.WriteString(name + "\x00")
	a.pad()
	a.b.Write(data)
	a.pad()
}

func (a *archive) pad() {
	for a.b.Len()%4 != 0 {
		a.b.WriteByte(0)
	}
}

// write writes the archive, compressed.
func (a *archive) write(to string) error {
	a.entry("TRAILER!!!", 0, 0, 0, nil)
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := w.Write(a.b.Bytes()); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(to, z.Bytes(), 0o644)
}
