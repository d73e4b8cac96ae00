package storage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"chordophone/overlay"
)

// Check walks all of the file and decodes all records. Writers wait for it. The
// error is ErrDamaged when the structure is wrong (the next Open sets the file
// aside); values that Load would skip are an error, too.
func (db *DB) Check() error {
	return db.do("check", func(b *bbolt.DB) error {
		tx, err := b.Begin(true) // so that nothing changes below
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := checkFile(db.path); err != nil {
			return err
		}
		return tx.Bucket(bucketRecords).ForEach(func(k, v []byte) error {
			var r overlay.Record
			if r.UnmarshalBinary(v) != nil || !bytes.Equal(slotKey(r.Slot()), k) {
				return fmt.Errorf("record %x cannot be decoded: %w", k, errValue)
			}
			return nil
		})
	})
}

// errValue is a bad value in a good file.
var errValue = errors.New("damaged value")

func checkFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return walkFile(f, info.Size())
}

// Compact rewrites the file without its free pages. Everybody waits for it. When
// it fails before the new file is in place, the old one stays in use.
func (db *DB) Compact() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := db.compact(); err != nil {
		return fmt.Errorf("storage: compact %s: %w", db.path, err)
	}
	return nil
}

func (db *DB) compact() error {
	dir, err := os.Open(filepath.Dir(db.path))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := lock(dir); err != nil {
		return err
	}
	temp := db.path + ".new"
	os.Remove(temp)
	defer os.Remove(temp)
	dst, err := bbolt.Open(temp, 0o600, options())
	if err != nil {
		return err
	}
	const perCommit = 256 << 10
	err = guard(func() error { return bbolt.Compact(dst, db.bolt, perCommit) })
	if err := errors.Join(err, dst.Close()); err != nil {
		return err
	}
	if err := db.bolt.Close(); err != nil {
		return err
	}
	err = errors.Join(os.Rename(temp, db.path), dir.Sync())
	b, openErr := openBolt(db.path)
	if openErr != nil {
		return errors.Join(err, openErr)
	}
	db.bolt = b
	return err
}
