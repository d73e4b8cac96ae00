package fat

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const mib = 1 << 20

// disk is a volume in memory.
type disk []byte

func (d disk) ReadAt(b []byte, at int64) (int, error) { return bytes.NewReader(d).ReadAt(b, at) }

func (d disk) WriteAt(b []byte, at int64) (int, error) {
	if at+int64(len(b)) > int64(len(d)) {
		return 0, fmt.Errorf("written beyond the end: %d octets at %d", len(b), at)
	}
	return copy(d[at:], b), nil
}

// written is a volume of these files.
func written(t testing.TB, size int64, files ...File) (disk, int64) {
	t.Helper()
	d := make(disk, size)
	used, err := Volume{Size: size, Label: "PHONE", ID: 7, Files: files}.Write(d)
	if err != nil {
		t.Fatal(err)
	}
	return d, used
}

func opened(t testing.TB, d io.ReaderAt) *FS {
	t.Helper()
	f, err := Open(d)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sample is files of all kinds of names and sizes.
func sample() []File {
	rng := rand.New(rand.NewSource(1))
	noise := func(n int) []byte {
		b := make([]byte, n)
		rng.Read(b)
		return b
	}
	files := []File{
		Bytes("bootcode.bin", noise(52624)),
		Bytes("autoboot.txt", strings.Repeat("\n", 512)),
		Bytes("README.txt", "read me"),
		Bytes("LICENCES", noise(70000)),
		Bytes("MixedCas.txt", "1"),
		Bytes("authorized_keys", ""),
		Bytes("phone.toml", "board = 1\n"),
		Bytes("a name with blanks.and.dots", "2"),
		Bytes("+plus,comma;=[].txt", "3"),
		Bytes("Grüße 日本.txt", "4"),
		Bytes("beyond the BMP 😀.txt", "4"),
		Bytes(".hidden", "5"),
		Bytes(strings.Repeat("long", 63)+"abc", "6"), // 255 characters
		Bytes("exactly13char", "7"),
		Bytes("overlays/disable-bt.dtbo", noise(1024)),
		Bytes("overlays/a/b/c/deep.txt", "8"),
	}
	for i := range 24 { // more than a cluster of entries, and aliases of two digits
		files = append(files, Bytes(fmt.Sprintf("overlays/overlay-number-%d.dtbo", i), noise(i*137)))
	}
	return append(files, Bytes("kernel8.img", noise(300_005)))
}

// All that goes in comes out, under every name; the standard library's own check
// of an fs.FS agrees.
func TestRoundTrip(t *testing.T) {
	for _, size := range []int64{40 * mib, 64 * mib, 128 * mib} {
		files := sample()
		d, used := written(t, size, files...)
		f := opened(t, d)
		var names []string
		for _, file := range files {
			want, err := io.ReadAll(io.NewSectionReader(file.Content, 0, file.Size))
			if err != nil {
				t.Fatal(err)
			}
			got, err := fs.ReadFile(f, file.Name)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d MiB: %s: %d octets of %d, %v", size/mib, file.Name, len(got), len(want), err)
			}
			names = append(names, file.Name)
		}
		if bytes.Count(d[used:], []byte{0}) != int(size-used) {
			t.Errorf("%d MiB: something lies behind the %d octets in use", size/mib, used)
		}
		// FAT specification: fewer than 65525 clusters make it FAT16.
		if f.clusters < 65525 || f.offset(2)%4096 != 0 {
			t.Errorf("%d MiB: %d clusters from %d", size/mib, f.clusters, f.offset(2))
		}
		fats := d[int64(f.firstFAT)*Sector : f.offset(2)]
		if !bytes.Equal(fats[:len(fats)/2], fats[len(fats)/2:]) || !bytes.Equal(d[:2*Sector], d[6*Sector:8*Sector]) {
			t.Errorf("%d MiB: a copy of the FAT or of the boot sector is not one", size/mib)
		}
		front := append(slices.Clone(d[:used]), make(disk, size-used)...)
		if size == 64*mib {
			if err := fstest.TestFS(opened(t, front), names...); err != nil {
				t.Error(err)
			}
		}
	}
}

// The same files make the same octets.
func TestSameFilesSameVolume(t *testing.T) {
	a, usedA := written(t, 64*mib, sample()...)
	b, usedB := written(t, 64*mib, sample()...)
	if usedA != usedB || !bytes.Equal(a, b) {
		t.Error("two volumes of the same files differ")
	}
	if c, _ := written(t, 64*mib, sample()[1:]...); bytes.Equal(a, c) {
		t.Error("volumes of other files are the same")
	}
}

// Names are one whatever their case.
func TestCaseIsNoDifference(t *testing.T) {
	d, _ := written(t, 40*mib, Bytes("phone.toml", "x"), Bytes("overlays/a.dtbo", "y"))
	f := opened(t, d)
	for _, name := range []string{"PHONE.TOML", "Phone.toml", "OVERLAYS/A.DTBO"} {
		if _, err := fs.ReadFile(f, name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"phone.tom", "phone.toml/x", "overlays/b", "phone~1.tom"} {
		if _, err := fs.ReadFile(f, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nothing of what lay there before is left in the front of a volume.
func TestWrittenOver(t *testing.T) {
	files := sample()
	clean, used := written(t, 40*mib, files...)
	old := disk(bytes.Repeat([]byte{0xa5}, 40*mib))
	if _, err := (Volume{Size: 40 * mib, Label: "PHONE", ID: 7, Files: files}).Write(old); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(clean[:used], old[:used]) {
		t.Error("the front of the volume depends on what lay there")
	}
}

// What cannot be is refused, with the reason, before anything is written.
func TestRefused(t *testing.T) {
	many := make([]File, 40000)
	for i := range many {
		many[i] = Bytes(fmt.Sprintf("a long name for number %d", i), "")
	}
	nothing := bytes.NewReader(nil)
	for _, c := range []struct {
		what  string
		size  int64
		files []File
		want  error
	}{
		{"larger than 4 GiB", 8 << 30, []File{{"x", 1 << 32, nothing}}, ErrSize},
		{"less than nothing", 64 * mib, []File{{"x", -1, nothing}}, ErrSize},
		{"too small a volume", 32 * mib, nil, ErrSize},
		{"half a sector", 64*mib + 256, nil, ErrSize},
		{"beyond 2 TiB", 4 << 40, nil, ErrSize},
		{"full", 64 * mib, []File{{"x", 64 * mib, nothing}}, ErrFull},
		{"full together", 64 * mib, []File{{"x", 40 * mib, nothing}, {"y", 40 * mib, nothing}}, ErrFull},
		{"more entries than a folder has", 64 * mib, many, ErrFull},
		{"twice", 64 * mib, []File{Bytes("x/A", ""), Bytes("X/a", "")}, ErrName},
		{"file and folder", 64 * mib, []File{Bytes("x", ""), Bytes("x/a", "")}, ErrName},
		{"absolute", 64 * mib, []File{Bytes("/x", "")}, ErrName},
		{"above", 64 * mib, []File{Bytes("../x", "")}, ErrName},
		{"backslash", 64 * mib, []File{Bytes(`a\b`, "")}, ErrName},
		{"colon", 64 * mib, []File{Bytes("a:b", "")}, ErrName},
		{"dot at the end", 64 * mib, []File{Bytes("a.", "")}, ErrName},
		{"too long", 64 * mib, []File{Bytes(strings.Repeat("x", 256), "")}, ErrName},
	} {
		_, err := Volume{Size: c.size, Files: c.files}.Write(disk(nil))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	if _, err := (Volume{Size: 64 * mib, Label: "small"}).Write(disk(nil)); !errors.Is(err, ErrName) {
		t.Errorf("label in small letters: %v", err)
	}
}

// A volume can be filled to its last cluster, and not beyond.
func TestFullToTheLastCluster(t *testing.T) {
	g, err := plan(34 * mib)
	if err != nil {
		t.Fatal(err)
	}
	room := int64(g.clusters-1) * g.clusterSize() // one is the root's
	d, used := written(t, 34*mib, Bytes("all", make([]byte, room)))
	if rest := 34*mib - used; rest >= g.clusterSize() {
		t.Errorf("%d octets are left", rest)
	}
	if b, err := fs.ReadFile(opened(t, d), "all"); err != nil || int64(len(b)) != room {
		t.Errorf("%d octets, %v", len(b), err)
	}
	_, err = Volume{Size: 34 * mib, Files: []File{Bytes("all", make([]byte, room+1))}}.Write(make(disk, 34*mib))
	if !errors.Is(err, ErrFull) {
		t.Errorf("one octet more: %v", err)
	}
}

// A file that is shorter than it was said to be is no file.
func TestShortContent(t *testing.T) {
	_, err := Volume{Size: 34 * mib, Files: []File{{"x", 10, strings.NewReader("short")}}}.Write(make(disk, 34*mib))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

// A file is overwritten where Locate finds it, and nothing else changes.
func TestLocate(t *testing.T) {
	d, _ := written(t, 64*mib, sample()...)
	f := opened(t, d)
	at, size, err := f.Locate("autoboot.txt")
	if err != nil || size != 512 || at%Sector != 0 {
		t.Fatalf("%d octets at %d, %v", size, at, err)
	}
	before := slices.Clone(d)
	text := strings.Repeat("x", 512)
	copy(d[at:], text)
	if b, err := fs.ReadFile(f, "autoboot.txt"); err != nil || string(b) != text {
		t.Errorf("%q, %v", b, err)
	}
	copy(before[at:], text)
	if !bytes.Equal(before, d) {
		t.Error("more changed than the file")
	}
	for name, want := range map[string]error{"authorized_keys": fs.ErrInvalid, "overlays": fs.ErrInvalid, "none": fs.ErrNotExist, "/x": fs.ErrInvalid} {
		if _, _, err := f.Locate(name); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}
