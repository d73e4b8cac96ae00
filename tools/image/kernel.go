package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/klauspost/compress/gzip"
)

// kernelFile is the uncompressed kernel in its module.
const kernelFile = "vmlinuz"

// compressed is the kernel as the boot firmware takes it: gzip, the only compression
// that it knows. That takes seconds and never changes, so it is kept in cache.
func compressed(kernel []byte, cache string) (b []byte, kept bool, err error) {
	file := filepath.Join(cache, fmt.Sprintf("kernel-%x-%s.gz", sha256.Sum256(kernel), compressor()))
	b, err = os.ReadFile(file)
	switch {
	case err == nil && unpacksTo(b, kernel):
		return b, true, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, false, err
	}
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err != nil {
		return nil, false, err
	}
	if _, err := w.Write(kernel); err != nil {
		return nil, false, err
	}
	if err := w.Close(); err != nil {
		return nil, false, err
	}
	if err := os.MkdirAll(cache, 0o777); err != nil {
		return nil, false, err
	}
	return z.Bytes(), false, replace(file, func(f *os.File) error {
		_, err := f.Write(z.Bytes())
		return err
	})
}

// compressor is the version of what compresses: another may find other octets.
func compressor() string {
	const path = "github.com/klauspost/compress"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == path {
				return d.Version
			}
		}
	}
	return "unknown"
}

func unpacksTo(b, want []byte) bool {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return false
	}
	got, err := io.ReadAll(io.LimitReader(z, int64(len(want))+1))
	return err == nil && bytes.Equal(got, want)
}

// replace writes a file anew: there is the old one or the new one, never a part.
func replace(name string, write func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
