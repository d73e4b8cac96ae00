package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chordophone/overlay"
)

// sample is a database with every kind of page: branches, leaves, overflow, free
// pages, inline buckets.
func sample(t testing.TB) (file []byte, records int) {
	dir := t.TempDir()
	db := open(t, dir)
	var drop []overlay.Slot
	var save []overlay.Record
	for i := range 28 {
		r := record(i, 100+i%4*1300)
		save = append(save, r)
		if i >= 22 {
			drop = append(drop, r.Slot())
		} else {
			records++
		}
	}
	err := errors.Join(db.Apply(save, nil), db.Apply(nil, drop), db.Set("a", make([]byte, 9000)), db.Set("b", []byte("b")),
		db.AppendCall(Call{Number: "102"}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Epoch(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	file, err = os.ReadFile(filepath.Join(dir, File))
	if err != nil {
		t.Fatal(err)
	}
	return file, records
}

// Whatever a page becomes: no panic, no hang, no error; either the file is set
// aside or what is read is what was written.
func TestDamageAtEveryPage(t *testing.T) {
	whole, records := sample(t)
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(b []byte) {
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
	}
	// Plausible garbage: small numbers, which pass for counts and page numbers.
	small := func(b []byte) {
		for i := 0; i < len(b); i += 4 {
			b[i], b[i+1], b[i+2], b[i+3] = byte(rng.Uint32N(16)), 0, 0, 0
		}
	}
	type damage struct {
		name string
		do   func(file []byte, page int) []byte
	}
	damages := []damage{
		{"zero", func(f []byte, p int) []byte { clear(f[p*pageSize:][:pageSize]); return f }},
		{"random", func(f []byte, p int) []byte { random(f[p*pageSize:][:pageSize]); return f }},
		{"small", func(f []byte, p int) []byte { small(f[p*pageSize:][:pageSize]); return f }},
		{"body", func(f []byte, p int) []byte { small(f[p*pageSize+16:][:128]); return f }},
		{"truncate", func(f []byte, p int) []byte { return f[:p*pageSize] }},
		{"cut", func(f []byte, p int) []byte { return f[:p*pageSize+rng.IntN(pageSize)] }},
		{"swap", func(f []byte, p int) []byte {
			q := rng.IntN(len(f) / pageSize)
			copy(f[p*pageSize:][:pageSize], whole[q*pageSize:][:pageSize])
			return f
		}},
	}
	for i := range 3 {
		damages = append(damages, damage{fmt.Sprint("flip ", i), func(f []byte, p int) []byte {
			f[p*pageSize+rng.IntN(96)] ^= 1 << rng.IntN(8) // the header and the first elements
			return f
		}})
	}
	pages, recovered, unharmed := len(whole)/pageSize, 0, 0
	for page := range pages {
		for _, d := range damages {
			aside := survive(t, fmt.Sprintf("%s, page %d of %d", d.name, page, pages), d.do(bytes.Clone(whole), page), records)
			if aside {
				recovered++
			} else {
				unharmed++
			}
		}
	}
	t.Logf("%d pages: %d files set aside, %d read as they are", pages, recovered, unharmed)
	if recovered < 2*pages || unharmed == 0 {
		t.Error("the damage does not test both ways")
	}
}

// survive opens a damaged file, reads it, writes and checks, and reports whether
// it was set aside.
func survive(t *testing.T, what string, file []byte, records int) (aside bool) {
	t.Helper()
	watchdog := time.AfterFunc(10*time.Second, func() { panic("hangs: " + what) })
	defer watchdog.Stop()
	dir := t.TempDir()
	path := filepath.Join(dir, File)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := Open(path, quiet)
	if errors.Is(err, ErrForeign) && len(file) >= 2*pageSize {
		t.Fatalf("%s: taken for another program's", what)
	}
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer db.Close()
	db.bolt.NoSync = true
	n := 0
	err = db.Load(func(overlay.Record) error { n++; return nil })
	if err != nil {
		t.Fatalf("%s: load: %v", what, err)
	}
	fresh := record(1000, 3000)
	if err := errors.Join(db.Apply([]overlay.Record{fresh}, nil), db.Apply(nil, []overlay.Slot{fresh.Slot()})); err != nil {
		t.Fatalf("%s: apply: %v", what, err)
	}
	if err := db.Check(); err != nil && !errors.Is(err, errValue) {
		t.Fatalf("%s: check: %v", what, err)
	}
	if db.Recovered == "" {
		if n+int(db.Skipped()) < records {
			t.Fatalf("%s: %d of %d records are gone without a word", what, records-n, records)
		}
		return false
	}
	if old, err := os.ReadFile(db.Recovered); err != nil || !bytes.Equal(old, file) {
		t.Fatalf("%s: what was set aside is not what was there: %v", what, err)
	}
	if n != 0 {
		t.Fatalf("%s: %d records in a new file", what, n)
	}
	return true
}

func TestBlankFile(t *testing.T) {
	for _, n := range []int{0, 1, 4096, 32768} {
		if !survive(t, fmt.Sprintf("%d zeros", n), make([]byte, n), 0) {
			t.Errorf("%d zeros were taken for a database", n)
		}
	}
}

// Only the last few damaged files are kept.
func TestSetAsideIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), File)
	for i := range keepDamaged + 3 {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := Open(path, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%s.damaged-%d", path, i+1); db.Recovered != want {
			t.Errorf("set aside as %s, want %s", db.Recovered, want)
		}
		db.Close()
	}
	names, _ := filepath.Glob(path + ".damaged-*")
	if len(names) != keepDamaged {
		t.Errorf("%d damaged files are kept", len(names))
	}
}

// A card that dies while the phone runs makes reads fault: an error, not a crash.
func TestFaultWhileOpen(t *testing.T) {
	file, _ := sample(t)
	path := filepath.Join(t.TempDir(), File)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := Open(path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 2*pageSize); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time without touching what is broken
		err = db.Load(func(overlay.Record) error { return nil })
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("load: %v", err)
		}
		hint(t, err)
	}
	if err := db.Apply([]overlay.Record{record(1, 1)}, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("apply: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// FuzzWalk: what walkFile lets pass, bbolt reads and writes without panic. The
// input is changes to a good file: where (4 octets) and what (1 octet).
func FuzzWalk(f *testing.F) {
	whole, _ := sample(f)
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 16, 0})
	f.Add([]byte{0, 0, 0x30, 8, 0x10, 0, 0, 0x30, 10, 0xFF, 0, 0, 0x30, 11, 0xFF})
	f.Fuzz(func(t *testing.T, changes []byte) {
		file := bytes.Clone(whole)
		for c := changes; len(c) >= 5; c = c[5:] {
			file[int(binary.BigEndian.Uint32(c))%len(file)] = c[4]
		}
		if walkFile(bytes.NewReader(file), int64(len(file))) != nil {
			return
		}
		path := filepath.Join(t.TempDir(), File)
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := Open(path, quiet)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		db.bolt.NoSync = true
		err = errors.Join(
			db.Load(func(overlay.Record) error { return nil }),
			db.Apply([]overlay.Record{record(1, 4000), record(2, 4000)}, nil))
		if err != nil {
			t.Fatal(err)
		}
	})
}

// A count that is too small would lose records without a word.
func TestSmallerCountIsDamage(t *testing.T) {
	whole, _ := sample(t)
	meta, err := readMeta(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	root := whole[meta.root*pageSize:]
	if n := binary.LittleEndian.Uint16(root[10:]); int(n) != len(buckets) {
		t.Fatalf("root page of %d elements", n)
	}
	root[10]--
	if err := walkFile(bytes.NewReader(whole), int64(len(whole))); !errors.Is(err, ErrDamaged) {
		t.Errorf("a bucket fewer: %v", err)
	}
}
