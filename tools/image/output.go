package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
)

// artefact is a file that was made.
type artefact struct {
	name string
	size int64  // octets
	sum  string // SHA-256, hexadecimal
}

// hole is how much must be zeros to be left out of a file.
const hole = 4096

var zeros [hole]byte

// sparse leaves zeros out of a file of zeros, which then takes less of the disk.
type sparse struct{ f *os.File }

func (s sparse) WriteAt(b []byte, at int64) (n int, err error) {
	for n < len(b) {
		part := b[n:min(len(b), n+hole-int((at+int64(n))%hole))]
		if !bytes.Equal(part, zeros[:len(part)]) {
			if _, err := s.f.WriteAt(part, at+int64(n)); err != nil {
				return n, err
			}
		}
		n += len(part)
	}
	return n, nil
}

// create makes a file of so many octets and has it filled; the result is as long as
// fill says.
func create(name string, size int64, fill func(io.WriterAt) (int64, error)) (a artefact, err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return a, err
	}
	a.name = name
	return a, replace(name, func(f *os.File) error {
		if err := f.Truncate(size); err != nil {
			return err
		}
		if a.size, err = fill(sparse{f}); err != nil {
			return err
		}
		if err := f.Truncate(a.size); err != nil {
			return err
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, io.NewSectionReader(f, 0, a.size)); err != nil {
			return err
		}
		a.sum = hex.EncodeToString(sum.Sum(nil))
		return nil
	})
}

// squeeze writes a compressed copy of a file beside it. It is gzip because everything
// that writes cards reads it, and so does every shell; what counts is already
// compressed, and the rest is zeros, so that others would not make it smaller.
func squeeze(from string) (a artefact, err error) {
	a.name = from + ".gz"
	return a, replace(a.name, func(f *os.File) error {
		in, err := os.Open(from)
		if err != nil {
			return err
		}
		defer in.Close()
		sum := sha256.New()
		z, err := gzip.NewWriterLevel(io.MultiWriter(f, sum), gzip.BestSpeed)
		if err != nil {
			return err
		}
		if _, err := io.Copy(z, in); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		if a.size, err = f.Seek(0, io.SeekCurrent); err != nil {
			return err
		}
		a.sum = hex.EncodeToString(sum.Sum(nil))
		return nil
	})
}
