package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// keepDamaged is how many files that were set aside are kept: enough to find out
// what happened, too few to fill the card.
const keepDamaged = 5

// Open opens the database at path, or makes it, mode 0600, in a directory that
// exists. A damaged one is set aside first: see DB.Recovered. The error is
// ErrLocked while another process has it open, and ErrForeign or ErrNewer for a
// file that is not ours to touch.
func Open(path string, log *slog.Logger) (*DB, error) {
	db := &DB{path: path, log: log}
	if err := db.open(); err != nil {
		return nil, fmt.Errorf("storage: open %s: %w", path, err)
	}
	return db, nil
}

func (db *DB) open() error {
	// Only one process at a time looks, sets aside and creates.
	dir, err := os.Open(filepath.Dir(db.path))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := lock(dir); err != nil {
		return err
	}

	switch err := db.examine(); {
	case errors.Is(err, fs.ErrNotExist):
		err = db.create(dir)
		if err != nil {
			return err
		}
	case errors.Is(err, ErrDamaged):
		return db.restart(dir, err)
	case err != nil:
		return err
	}
	db.bolt, err = openBolt(db.path)
	if errors.Is(err, ErrDamaged) { // that examine did not see
		return db.restart(dir, err)
	}
	return err
}

// examine walks the file, if there is one, without changing it.
func (db *DB) examine() error {
	info, err := os.Lstat(db.path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("not a regular file: %w", ErrForeign)
	}
	f, err := os.OpenFile(db.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	// A process that is writing would look like damage.
	if err := lock(f); err != nil {
		return err
	}
	return walkFile(f, info.Size())
}

// openBolt opens a file that exists and has our form.
func openBolt(path string) (b *bbolt.DB, err error) {
	o := options()
	o.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		return os.OpenFile(name, flag&^os.O_CREATE, mode)
	}
	err = guard(func() error {
		b, err = bbolt.Open(path, 0o600, o)
		return err
	})
	switch {
	case err == nil:
		return b, nil
	case errors.Is(err, berrors.ErrTimeout):
		return nil, ErrLocked
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil, err
}

// restart sets the damaged file aside and begins with an empty one.
func (db *DB) restart(dir *os.File, why error) error {
	aside, err := setAside(db.path)
	if err != nil {
		return fmt.Errorf("%w: %w", why, err)
	}
	db.log.Error("database was damaged and is set aside; the other phones will fill a new one",
		"file", aside, "damage", why)
	if err := db.create(dir); err != nil {
		return err
	}
	db.Recovered = aside
	db.bolt, err = openBolt(db.path)
	return err
}

// setAside renames the file to the next free path.damaged-N and forgets the
// oldest ones.
func setAside(path string) (string, error) {
	prefix := path + ".damaged-"
	names, err := filepath.Glob(prefix + "*")
	if err != nil {
		return "", err
	}
	last := 0
	for _, name := range names {
		if n, err := strconv.Atoi(strings.TrimPrefix(name, prefix)); err == nil {
			last = max(last, n)
		}
	}
	os.Remove(prefix + strconv.Itoa(last+1-keepDamaged))
	aside := prefix + strconv.Itoa(last+1)
	return aside, os.Rename(path, aside)
}

// create makes an empty database that appears under its name complete or not at
// all. dir is locked.
func (db *DB) create(dir *os.File) error {
	temp := db.path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a creation that was cut short
		return err
	}
	b, err := bbolt.Open(temp, 0o600, options())
	if err != nil {
		return err
	}
	err = b.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(keyFormat, []byte(format))
	})
	if err := errors.Join(err, b.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, db.path); err != nil {
		return err
	}
	return dir.Sync()
}

// lock takes a file for this process, as bbolt does. It is held until f is
// closed. The error is ErrLocked when it is not free within lockTime.
func lock(f *os.File) error {
	for end := time.Now().Add(lockTime); ; time.Sleep(20 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			return err
		}
		if time.Now().After(end) {
			return ErrLocked
		}
	}
}
