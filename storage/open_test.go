package storage

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"go.etcd.io/bbolt"
)

func TestNewFile(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	info, err := os.Stat(filepath.Join(dir, File))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if db.Recovered != "" || len(load(t, db)) != 0 {
		t.Errorf("a new database is recovered (%q) or not empty", db.Recovered)
	}
	if peers, err := db.Peers(); err != nil || len(peers) != 0 {
		t.Error(peers, err)
	}
	if _, err := db.Get("nothing"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if err := db.Check(); err != nil {
		t.Error(err)
	}
	if db.bolt.NoFreelistSync || db.bolt.FreelistType != bbolt.FreelistMapType || db.bolt.Info().PageSize != 4096 {
		t.Error("options of bbolt are not those that were chosen")
	}
}

func TestNoDirectory(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "nowhere", File), quiet); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// A version must never repeat, whatever the clock says: each start has its own
// epoch.
func TestEpoch(t *testing.T) {
	dir := t.TempDir()
	for want := uint32(1); want < 4; want++ {
		db := open(t, dir)
		if got, err := db.Epoch(); got != want || err != nil {
			t.Fatalf("start %d: epoch %d, %v", want, got, err)
		}
		db.Close()
	}
	db := open(t, dir)
	for _, c := range []struct{ min, want uint32 }{{40, 40}, {7, 41}, {0, 42}, {math.MaxUint32, math.MaxUint32}} {
		if got, err := db.RaiseEpoch(c.min); got != c.want || err != nil {
			t.Errorf("RaiseEpoch(%d) = %d, %v; want %d", c.min, got, err, c.want)
		}
	}
	if got, err := db.Epoch(); err == nil {
		t.Errorf("epoch went round to %d", got)
	}
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	synctest.Test(t, func(t *testing.T) { // so that the wait takes no time
		_, err := Open(filepath.Join(dir, File), quiet)
		if !errors.Is(err, ErrLocked) {
			t.Errorf("second Open: %v", err)
		}
		hint(t, err)
	})
	if err := db.Set("still", []byte("works")); err != nil {
		t.Error(err)
	}
	db.Close()
	open(t, dir)
}

func TestForeignFileIsLeftAlone(t *testing.T) {
	otherBolt := func(pageSize int, bucket string) func(path string) error {
		return func(path string) error {
			b, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: pageSize})
			if err != nil {
				return err
			}
			err = b.Update(func(tx *bbolt.Tx) error {
				b, err := tx.CreateBucket([]byte(bucket))
				if err != nil {
					return err
				}
				return b.Put(keyFormat, []byte("chordophone 9"))
			})
			return errors.Join(err, b.Close())
		}
	}
	text := func(s string) func(path string) error {
		return func(path string) error { return os.WriteFile(path, []byte(s), 0o600) }
	}
	for name, c := range map[string]struct {
		make func(path string) error
		want error
	}{
		"text":            {text("my notes\n"), ErrForeign},
		"long text":       {text(strings.Repeat("my notes\n", 9999)), ErrForeign},
		"sqlite":          {text("SQLite format 3\x00" + strings.Repeat("\x00", 9999)), ErrForeign},
		"other bolt":      {otherBolt(4096, "widgets"), ErrForeign},
		"other page size": {otherBolt(16384, "meta"), ErrForeign},
		"newer":           {otherBolt(4096, "meta"), ErrNewer},
		"directory":       {func(path string) error { return os.Mkdir(path, 0o700) }, ErrForeign},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), File)
			if err := c.make(path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(path)
			_, err := Open(path, quiet)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			hint(t, err)
			after, _ := os.ReadFile(path)
			names, _ := os.ReadDir(filepath.Dir(path))
			if !bytes.Equal(before, after) || len(names) != 1 {
				t.Error("something was changed")
			}
		})
	}
}
