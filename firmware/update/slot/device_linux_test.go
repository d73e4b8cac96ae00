package slot

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"chordophone/firmware/update/release"
)

func device(t testing.TB, size int64) (*Device, string) {
	path := filepath.Join(t.TempDir(), "disk")
	f, err := os.Create(path)
	if err == nil {
		err = errors.Join(f.Truncate(size), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := OpenDevice(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, path
}

func TestDevice(t *testing.T) {
	const size = bounce*2 + 3*Sector
	d, path := device(t, size)
	data, _ := content(size)
	at := []struct{ off, n int64 }{{Sector, Sector}, {0, size}, {bounce - Sector, 2 * Sector}, {size - Sector, Sector}}
	for _, p := range at {
		piece := data[p.off:][:p.n]
		if n, err := d.WriteAt(piece, p.off); err != nil || n != len(piece) {
			t.Fatalf("write %d at %d: %d, %v", p.n, p.off, n, err)
		}
		if err := errors.Join(d.Sync(), d.Forget()); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, p.n)
		if n, err := d.ReadAt(got, p.off); err != nil || n != len(got) || !bytes.Equal(got, piece) {
			t.Fatalf("read %d at %d: %d, %v", p.n, p.off, n, err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the file has something else: %v", err)
	}
	if n, err := d.Size(); err != nil || n != size {
		t.Errorf("size %d, %v", n, err)
	}
	for _, p := range []struct{ off, n int64 }{{1, Sector}, {0, Sector - 1}} {
		if _, err := d.WriteAt(make([]byte, p.n), p.off); !errors.Is(err, unix.EINVAL) {
			t.Errorf("write %d at %d: %v", p.n, p.off, err)
		}
	}
	if _, err := d.WriteAt(make([]byte, 2*Sector), size-Sector); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("write beyond the end: %v", err)
	}
	if _, err := d.ReadAt(make([]byte, 2*Sector), size-Sector); !errors.Is(err, io.EOF) {
		t.Errorf("read beyond the end: %v", err)
	}
	if _, err := OpenDevice(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such device: %v", err)
	}
}

// BenchmarkInstall writes 26 MB at the pace of an update, and reads them back.
func BenchmarkInstall(b *testing.B) {
	const size = 26 << 20
	data, m := content(size)
	for b.Loop() {
		d, _ := device(b, size)
		w := (&Slots{B: d}).Write(B, m)
		for i := range m.Chunks {
			if err := w.Put(context.Background(), i, data[i*release.ChunkSize:][:m.ChunkLen(i)]); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Finish(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.Logf("around the cache: %v", d.direct)
	}
}
