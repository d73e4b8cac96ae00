package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
)

// File is the name of the database in the data directory.
const File = "chordophone.db"

// format is the value of meta/format. A later one is not opened.
const format = "chordophone 1"

var (
	bucketMeta     = []byte("meta")
	bucketRecords  = []byte("records")
	bucketPeers    = []byte("peers")
	bucketSettings = []byte("settings")
	bucketCalls    = []byte("calls")
	buckets        = [][]byte{bucketMeta, bucketRecords, bucketPeers, bucketSettings, bucketCalls}

	keyFormat = []byte("format")
	keyEpoch  = []byte("epoch")
)

// DB is an open database. It is safe for concurrent use; a function handed to one
// of its methods must not call another.
type DB struct {
	// Recovered is the name under which a damaged file was set aside by Open, ""
	// if all was well. All that was in it is gone until the other phones have
	// handed it over again; the boot epoch starts over: see RaiseEpoch.
	Recovered string

	path    string
	log     *slog.Logger
	skipped atomic.Int64
	broken  atomic.Bool // bbolt panicked: its locks may be held for ever

	mu   sync.RWMutex // held for writing while bolt is exchanged
	bolt *bbolt.DB
}

// options of bbolt, each for a reason.
func options() *bbolt.Options {
	return &bbolt.Options{
		Timeout:      lockTime,
		PageSize:     pageSize,              // of the file: Pi 5 kernels have 16 KB pages and would write four times as much
		FreelistType: bbolt.FreelistMapType, // the default degrades with fragmentation
		NoStatistics: true,                  // nobody reads them
		// NoFreelistSync stays false: true makes Open rebuild the list in a
		// goroutine of its own, where a bad page cannot be recovered from.
	}
}

// Close ends the use of the database. Methods called later fail. After ErrDamaged
// the file stays locked until the process ends.
func (db *DB) Close() error {
	if db.broken.Load() {
		return nil
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.bolt.Close()
}

// Skipped is how many values could not be decoded and were skipped since Open.
func (db *DB) Skipped() int64 { return db.skipped.Load() }

// view runs fn in a read transaction, update in a write transaction that is
// committed, durably, unless fn returns an error.
func (db *DB) view(what string, fn func(*bbolt.Tx) error) error {
	return db.do(what, func(b *bbolt.DB) error { return b.View(fn) })
}

func (db *DB) update(what string, fn func(*bbolt.Tx) error) error {
	return db.do(what, func(b *bbolt.DB) error {
		if err := b.Update(fn); err != errNoChange {
			return err
		}
		return nil
	})
}

func (db *DB) do(what string, fn func(*bbolt.DB) error) error {
	db.mu.RLock()
	defer db.mu.RUnlock()
	var err error = ErrDamaged
	if !db.broken.Load() {
		err = guard(func() error { return fn(db.bolt) })
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, ErrDamaged) {
		db.broken.Store(true)
	}
	return fmt.Errorf("storage: %s: %w", what, err)
}

// errNoChange ends a write transaction that has nothing to write: no commit.
var errNoChange = errors.New("no change")

// guard turns a panic of bbolt, or a fault on its mapping, into ErrDamaged.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	return fn()
}

// Epoch raises the boot epoch by one and returns it once that is durable. Call it
// once per start: it is the upper half of the versions of this phone's records.
func (db *DB) Epoch() (uint32, error) { return db.RaiseEpoch(0) }

// RaiseEpoch is Epoch, but returns at least min: for a phone that lost its
// database and learns from the ring that it had come further.
func (db *DB) RaiseEpoch(min uint32) (epoch uint32, err error) {
	err = db.update("boot epoch", func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketMeta)
		if v := b.Get(keyEpoch); len(v) == 4 {
			epoch = binary.BigEndian.Uint32(v)
		}
		if epoch == math.MaxUint32 {
			return errors.New("used up")
		}
		epoch = max(epoch+1, min)
		return b.Put(keyEpoch, binary.BigEndian.AppendUint32(nil, epoch))
	})
	return epoch, err
}

const (
	lockTime = time.Second // to wait for another process to let go
	pageSize = 4096
)
