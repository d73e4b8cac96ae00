package slot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"chordophone/storage/fat"
)

// volume is a first partition with these files, in a file.
func volume(t *testing.T, files ...fat.File) string {
	path := filepath.Join(t.TempDir(), "p1")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v := fat.Volume{Size: 34 << 20, Label: "PHONE", Files: files}
	if _, err = v.Write(f); err == nil {
		err = f.Truncate(v.Size)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// The sector of autoboot.txt is found and replaced; the file system stays what it was.
func TestOpen(t *testing.T) {
	_, a := device(t, 4*Sector)
	_, b := device(t, 4*Sector)
	text := fat.Bytes("phone.toml", "extension = 104\n")
	p1 := volume(t, text, fat.Bytes("autoboot.txt", Selecting(A).Text()), fat.Bytes("README.txt", "read me"))
	s, err := Open(p1, a, b)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Selected(); err != nil || got != Selecting(A) {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := s.Select(B); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(p1)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, err := fat.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"AUTOBOOT.TXT": string(Selecting(B).Text()), "phone.toml": "extension = 104\n", "README.txt": "read me"} {
		if got, err := fs.ReadFile(v, name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}

	for what, p1 := range map[string]string{
		"no autoboot.txt": volume(t, text),
		"a longer one":    volume(t, fat.Bytes("autoboot.txt", string(Selecting(A).Text())+"\n")),
		"an edited one":   volume(t, fat.Bytes("autoboot.txt", "[all]\n")),
	} {
		if _, err := Open(p1, a, b); !errors.Is(err, ErrAutoboot) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := Open(a, a, b); !errors.Is(err, fat.ErrNotFAT32) {
		t.Errorf("no file system: %v", err)
	}
	if _, err := Open(p1, a, b+"x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no slot: %v", err)
	}
}
