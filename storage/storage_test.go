package storage

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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

func TestPeersAreBounded(t *testing.T) {
	db := open(t, t.TempDir())
	peers := []overlay.Peer{{ID: overlay.ResourceID("no address")}}
	for i := range 100 {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), overlay.Port)
		peers = append(peers, overlay.Peer{ID: overlay.ResourceID(fmt.Sprint(i)), Addr: addr})
	}
	peers = append(peers, peers[1])
	if err := db.SavePeers(peers); err != nil {
		t.Fatal(err)
	}
	got, err := db.Peers()
	if err != nil || len(got) != maxPeers {
		t.Fatalf("%d peers, %v", len(got), err)
	}
	for _, p := range got {
		if !p.Addr.IsValid() {
			t.Error("a peer without address was kept")
		}
	}
	if peers[0].Addr.IsValid() || len(peers) != 102 {
		t.Error("SavePeers changed its argument")
	}
}

func TestSettingsAreBounded(t *testing.T) {
	db := open(t, t.TempDir())
	for _, err := range []error{
		db.Set("", []byte("x")),
		db.Set(strings.Repeat("x", MaxName+1), nil),
		db.Set("x", make([]byte, MaxSetting+1)),
	} {
		if !errors.Is(err, ErrTooLarge) {
			t.Error(err)
		}
		hint(t, err)
	}
	if err := db.Set(strings.Repeat("x", MaxName), make([]byte, MaxSetting)); err != nil {
		t.Error(err)
	}
}

func TestCallLogIsBounded(t *testing.T) {
	db := open(t, t.TempDir())
	for i := range MaxCalls + 20 {
		if err := db.AppendCall(Call{Number: fmt.Sprint(i), Name: strings.Repeat("n", 1000)}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := db.Calls(math.MaxInt)
	if err != nil || len(all) != MaxCalls || all[0].Number != "1019" || all[MaxCalls-1].Number != "20" {
		t.Fatalf("%d calls, %v", len(all), err)
	}
	if len(all[0].Name) != maxCallText {
		t.Errorf("a name of %d octets was kept", len(all[0].Name))
	}
	last, err := db.Calls(3)
	if err != nil || len(last) != 3 || last[0].Number != "1019" {
		t.Error(last, err)
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
