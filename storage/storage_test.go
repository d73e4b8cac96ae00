package storage

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"chordophone/overlay"
)

var quiet = slog.New(slog.DiscardHandler)

// open opens the database in dir; without fsync, unless the test is about that.
func open(t testing.TB, dir string) *DB {
	t.Helper()
	db, err := Open(filepath.Join(dir, File), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.bolt.NoSync = true
	return db
}

func load(t testing.TB, db *DB) []overlay.Record {
	t.Helper()
	var got []overlay.Record
	if err := db.Load(func(r overlay.Record) error { got = append(got, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

// record makes a record of n octets that is different for each i.
func record(i, n int) overlay.Record {
	rng := rand.New(rand.NewPCG(uint64(i), 1))
	value := make([]byte, n)
	for j := range value {
		value[j] = byte(rng.Uint32())
	}
	return overlay.Record{
		Resource:  overlay.ResourceID(fmt.Sprint(i)),
		Kind:      overlay.SIPRegistration,
		Key:       []byte(fmt.Sprintf("key %d", i)),
		Version:   overlay.MakeVersion(1, uint32(i)),
		Lifetime:  time.Hour,
		Value:     value,
		Owner:     overlay.ResourceID("owner"),
		Signature: overlay.Signature{Chain: [][]byte{[]byte("leaf"), []byte("enroller")}, Sig: []byte("signature")},
	}
}

func hint(t *testing.T, err error) {
	t.Helper()
	var h interface{ Hint() string }
	if !errors.As(err, &h) || h.Hint() == "" {
		t.Errorf("no hint for people in %v", err)
	}
}

// What changes nothing must not cost a commit: flash wears out.
func TestNoCommitWithoutChange(t *testing.T) {
	db := open(t, t.TempDir())
	r, peers := record(1, 100), []overlay.Peer{{ID: overlay.ResourceID("a"), Addr: netip.MustParseAddrPort("10.0.0.1:6084")}}
	write := func() error {
		return errors.Join(
			db.Apply([]overlay.Record{r}, nil), db.Apply(nil, nil), db.Apply(nil, []overlay.Slot{record(2, 1).Slot()}),
			db.SavePeers(peers), db.Set("name", []byte("value")), db.Set("other", nil), db.Set("empty", []byte{}))
	}
	commits := func() (n int) {
		db.bolt.View(func(tx *bbolt.Tx) error { n = tx.ID(); return nil })
		return n
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	before := commits()
	if err := write(); err != nil {
		t.Fatal(err)
	}
	if n := commits() - before; n != 0 {
		t.Errorf("%d commits that change nothing", n)
	}
	r.Version++
	if err := write(); err != nil {
		t.Fatal(err)
	}
	if n := commits() - before; n != 1 {
		t.Errorf("%d commits for one change", n)
	}
}

func TestApplyIsAllOrNothing(t *testing.T) {
	db := open(t, t.TempDir())
	good, bad := record(1, 10), record(2, overlay.MaxValue+1)
	if err := db.Apply([]overlay.Record{good, bad}, nil); err == nil {
		t.Error("a record that is too long was saved")
	}
	if got := load(t, db); len(got) != 0 {
		t.Errorf("%d records saved by a call that failed", len(got))
	}
	// The slot is dropped first, so the record stays.
	if err := db.Apply([]overlay.Record{good}, []overlay.Slot{good.Slot()}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]overlay.Record{good}, load(t, db)); diff != "" {
		t.Error(diff)
	}
}

func TestLoadStopsAndSkips(t *testing.T) {
	db := open(t, t.TempDir())
	if err := db.Apply([]overlay.Record{record(1, 10), record(2, 10), record(3, 10)}, nil); err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop")
	n := 0
	if err := db.Load(func(overlay.Record) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("called %d times, %v", n, err)
	}

	damaged := slotKey(record(2, 0).Slot())
	misplaced := slotKey(record(9, 0).Slot())
	err := db.bolt.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketRecords)
		other := bytes.Clone(b.Get(slotKey(record(1, 0).Slot())))
		return errors.Join(b.Put(damaged, []byte{1, 2, 3}), b.Put(misplaced, other),
			tx.Bucket(bucketPeers).Put([]byte("x"), []byte("y")), tx.Bucket(bucketCalls).Put([]byte("x"), []byte("{")))
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := load(t, db); len(got) != 2 || db.Skipped() != 2 {
		t.Errorf("%d records, %d skipped; want 2, 2", len(got), db.Skipped())
	}
	if _, err := db.Peers(); err != nil || db.Skipped() != 3 {
		t.Error(err, db.Skipped())
	}
	if _, err := db.Calls(9); err != nil || db.Skipped() != 4 {
		t.Error(err, db.Skipped())
	}
	if err := db.Check(); !errors.Is(err, errValue) {
		t.Errorf("Check: %v", err)
	}
	if err := db.Apply(nil, []overlay.Slot{record(1, 0).Slot()}); err != nil {
		t.Errorf("a bad value must not end all use: %v", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	db := open(t, t.TempDir())
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 20 {
				r := record(100*g+i, 200)
				err := errors.Join(
					db.Apply([]overlay.Record{r}, nil),
					db.Load(func(overlay.Record) error { return nil }),
					db.Set(fmt.Sprintf("setting %d", g), []byte{byte(i)}),
					db.AppendCall(Call{Number: "102"}))
				if g == 0 && i%5 == 0 {
					err = errors.Join(err, db.Compact(), db.Check())
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(load(t, db)); n != 80 {
		t.Errorf("%d records of 80", n)
	}
}

func TestCompactShrinks(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	var save []overlay.Record
	var drop []overlay.Slot
	for i := range 200 {
		save = append(save, record(i, 2000))
		if i > 0 {
			drop = append(drop, record(i, 0).Slot())
		}
	}
	if err := errors.Join(db.Apply(save, nil), db.Apply(nil, drop)); err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		info, err := os.Stat(filepath.Join(dir, File))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	if err := db.Compact(); err != nil {
		t.Fatal(err)
	}
	if after := size(); after >= before/4 {
		t.Errorf("%d octets before, %d after", before, after)
	}
	if diff := cmp.Diff(save[:1], load(t, db)); diff != "" {
		t.Error(diff)
	}
	if err := errors.Join(db.Apply(save, nil), db.Check()); err != nil {
		t.Error(err)
	}
}

// BenchmarkApply measures a durable commit of 1 and of 50 records of the size of a
// registration, in a database of 1,000.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{1, 50} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			db := open(b, b.TempDir())
			var all []overlay.Record
			for i := range 1000 {
				all = append(all, record(i, 600))
			}
			if err := db.Apply(all, nil); err != nil {
				b.Fatal(err)
			}
			db.bolt.NoSync = false
			i := 0
			for b.Loop() {
				batch := all[i*n%1000:][:n]
				for j := range batch {
					batch[j].Version++
				}
				if err := db.Apply(batch, nil); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}
