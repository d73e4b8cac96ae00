package update

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"chordophone/firmware/update/release"
	"chordophone/firmware/update/slot"
)

// Files of the data directory, beside release.KeyFile.
const (
	memoryFile = "update.json"
	headFileA  = "release-a.head"
	headFileB  = "release-b.head"
)

func headFile(partition int) string {
	if partition == slot.A {
		return headFileA
	}
	return headFileB
}

// files is where an Updater keeps what it remembers.
type files interface {
	read(name string) ([]byte, error)  // nil if there is none
	write(name string, b []byte) error // durable, whole or not at all
}

// dir is files in a directory.
type dir string

func (d dir) read(name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(string(d), name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, int64(release.MaxHead)))
}

func (d dir) write(name string, b []byte) error {
	f, err := os.CreateTemp(string(d), "."+name+"-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails when all went well
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(string(d), name)); err != nil {
		return err
	}
	self, err := os.Open(string(d)) // the new name is in the directory
	if err != nil {
		return err
	}
	return errors.Join(self.Sync(), self.Close())
}
