package slot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/firmware/update/release"
)

// memory is a Disk in memory.
type memory struct {
	b     []byte
	stuck int64 // an octet that cannot be written, if positive
	wrote int
	fails error
}

func (d *memory) ReadAt(p []byte, off int64) (int, error) { return copy(p, d.b[off:]), d.fails }

func (d *memory) WriteAt(p []byte, off int64) (int, error) {
	if d.fails != nil {
		return 0, d.fails
	}
	d.wrote++
	old := d.b[d.stuck]
	n := copy(d.b[off:], p)
	if d.stuck > 0 {
		d.b[d.stuck] = old
	}
	return n, nil
}

func (d *memory) Sync() error   { return d.fails }
func (d *memory) Forget() error { return nil }

// content is a release of so many octets, and its manifest.
func content(n int) ([]byte, *release.Manifest) {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	m := &release.Manifest{Product: "arm64", Version: release.Version{1}, Length: int64(n)}
	for i := 0; i < n; i += release.ChunkSize {
		m.Chunks = append(m.Chunks, sha256.Sum256(b[i:min(n, i+release.ChunkSize)]))
	}
	return b, m
}

func card(size int) (*Slots, *memory, *memory, *memory) {
	selector, a, b := &memory{b: make([]byte, 4*Sector)}, &memory{b: make([]byte, size)}, &memory{b: make([]byte, size)}
	copy(selector.b[Sector:], Selecting(A).Text())
	return &Slots{Selector: selector, Offset: Sector, A: a, B: b}, selector, a, b
}

const some = 3*release.ChunkSize + release.Align

func chunk(b []byte, i int) []byte {
	return b[i*release.ChunkSize : min(len(b), (i+1)*release.ChunkSize)]
}

func TestWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		data, m := content(some)
		s, _, a, b := card(some + 100*Sector)
		w := s.Write(B, m)
		for _, i := range []int{2, 0, 2, 3} {
			if err := w.Put(ctx, i, chunk(data, i)); err != nil {
				t.Fatal(err)
			}
		}
		for i, bad := range map[int][]byte{1: chunk(data, 0), 3: chunk(data, 3)[1:], -1: nil, 4: nil} {
			if err := w.Put(ctx, i, bad); !errors.Is(err, release.ErrContent) {
				t.Errorf("chunk %d that is none: %v", i, err)
			}
		}
		if err := w.Finish(ctx); err == nil {
			t.Error("a slot that lacks a chunk is finished")
		}

		// Begun again, it goes on where it was.
		w = s.Write(B, m)
		lacking, err := w.Find(ctx)
		if err != nil || len(lacking) != 1 || lacking[0] != 1 {
			t.Fatalf("it lacks %v, %v; want 1", lacking, err)
		}
		before := b.wrote
		for i := range m.Chunks {
			if err := w.Put(ctx, i, chunk(data, i)); err != nil {
				t.Fatal(err)
			}
		}
		if b.wrote != before+1 {
			t.Errorf("%d writes for the one that lacked", b.wrote-before)
		}
		if done, of := w.Done(); done != 4 || of != 4 {
			t.Errorf("%d of %d done", done, of)
		}
		if err := w.Finish(ctx); err != nil {
			t.Error(err)
		}
		if !bytes.Equal(b.b[:some], data) || a.wrote != 0 {
			t.Error("the other slot was written, or this one is not")
		}
	})
}

// A card that takes what it does not keep is found out.
func TestWornCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data, m := content(some)
		s, _, _, b := card(some)
		b.stuck = some - 1
		w := s.Write(B, m)
		for i := range m.Chunks {
			if err := w.Put(context.Background(), i, chunk(data, i)); err != nil {
				t.Fatal(err)
			}
		}
		err := w.Finish(context.Background())
		var hinted interface{ Hint() string }
		if !errors.Is(err, ErrReadBack) || !errors.As(err, &hinted) {
			t.Errorf("%v; want %v", err, ErrReadBack)
		}
	})
}

// Writing takes its time: calls go on.
func TestWriterIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 26 << 20
		data, m := content(n)
		s, _, _, _ := card(n)
		w := s.Write(A, m)
		ctx, cancel := context.WithTimeout(t.Context(), n/writeRate*1e9-1e8)
		defer cancel()
		for i := range m.Chunks {
			if err := w.Put(ctx, i, chunk(data, i)); err != nil {
				if done, of := w.Done(); !errors.Is(err, context.DeadlineExceeded) || done < of*9/10 {
					t.Errorf("%d of %d: %v", done, of, err)
				}
				return
			}
		}
		t.Error("26 MB were written faster than the rate")
	})
}

// A release that is there already, or most of it, is not written again, and does not take
// the time of writing.
func TestWriterAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 26 << 20
		data, m := content(n)
		s, _, a, _ := card(n)
		copy(a.b, data)
		spoilt := []int{0, 7, len(m.Chunks) - 1}
		for _, i := range spoilt {
			chunk(a.b, i)[100]++
		}
		w := s.Write(A, m)
		begin := time.Now()
		for i := range m.Chunks {
			if err := w.Put(t.Context(), i, chunk(data, i)); err != nil {
				t.Fatal(err)
			}
		}
		if took, limit := time.Since(begin), time.Duration(n)*time.Second/readRate+time.Second; took > limit {
			t.Errorf("it took %v; want no more than %v", took, limit)
		}
		if a.wrote != len(spoilt) || !bytes.Equal(a.b, data) {
			t.Errorf("%d writes; want %d", a.wrote, len(spoilt))
		}
		if err := w.Finish(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestSelect(t *testing.T) {
	s, selector, _, _ := card(some)
	around := bytes.Clone(selector.b)
	for _, p := range []int{B, A, B} {
		if err := s.Select(p); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Selected(); err != nil || got != (Autoboot{p, Other(p)}) {
			t.Errorf("%+v, %v; want %d", got, err, p)
		}
	}
	if !bytes.Equal(selector.b[:Sector], around[:Sector]) || !bytes.Equal(selector.b[2*Sector:], around[2*Sector:]) {
		t.Error("more than the sector was written")
	}
	selector.stuck = Sector + int64(bytes.Index(selector.b[Sector:], []byte("3")))
	if err := s.Select(A); !errors.Is(err, ErrAutoboot) {
		t.Errorf("a sector that does not take it: %v", err)
	}
	selector.fails = errors.New("input/output error")
	if err := s.Select(A); !errors.Is(err, selector.fails) {
		t.Error(err)
	}
	if _, err := s.Selected(); !errors.Is(err, selector.fails) || errors.Is(err, ErrAutoboot) {
		t.Error(err)
	}
}

func TestAutoboot(t *testing.T) {
	text := Selecting(B).Text()
	if len(text) != Sector || !strings.HasPrefix(string(text), "[all]\ntryboot_a_b=1\nboot_partition=3\n[tryboot]\nboot_partition=2\n\n") {
		t.Errorf("%q", text)
	}
	edited := "# this phone\r\ntryboot_a_b=1\r\n boot_partition = 2 # A\r\n[none]\r\nboot_partition=7\r\n[tryboot]\r\nboot_partition=3\r\n"
	if got, err := ParseAutoboot([]byte(edited)); err != nil || got != Selecting(A) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{
		"", strings.Repeat("\x00", Sector), strings.Repeat("\xff", Sector),
		"[all]\nboot_partition=2\n[tryboot]\nboot_partition=3\n",
		"[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=2\n",
		"[all]\ntryboot_a_b=1\nboot_partition=4\n[tryboot]\nboot_partition=3\n",
		"[all]\ntryboot_a_b=1\nboot_partition=x\n[tryboot]\nboot_partition=3\n",
		"[all]\ntryboot_a_b=1\nboot_partition=2\n",
	} {
		if _, err := ParseAutoboot([]byte(bad)); !errors.Is(err, ErrAutoboot) {
			t.Errorf("%.60q: %v", bad, err)
		}
	}
}
