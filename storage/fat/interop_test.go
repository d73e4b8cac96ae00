//go:build interop

package fat

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool runs a program of mtools or dosfstools.
func tool(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "MTOOLS_SKIP_CHECK=0", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

// fsck.vfat finds nothing to repair, and mtools read what was written.
func TestOthersReadOurs(t *testing.T) {
	for _, size := range []int64{34 * mib, 64 * mib, 128 * mib, 300 * mib} {
		files := sample()
		d, _ := written(t, size, files...)
		image := filepath.Join(t.TempDir(), "volume")
		if err := os.WriteFile(image, d, 0o600); err != nil {
			t.Fatal(err)
		}
		if out := tool(t, "fsck.vfat", "-n", "-v", image); strings.Contains(strings.ToLower(out), "invalid") || !strings.Contains(out, "files, ") {
			t.Errorf("%d MiB: %s", size/mib, out)
		}
		if out := tool(t, "mdir", "-i", image, "-/", "::"); !strings.Contains(out, "Volume in drive : is PHONE") {
			t.Errorf("%s", out)
		}
		for _, f := range files {
			if strings.ContainsAny(f.Name, "[]😀") { // a pattern for mtools, and a surrogate pair
				continue
			}
			to := filepath.Join(t.TempDir(), "copy")
			tool(t, "mcopy", "-i", image, "::"+f.Name, to)
			got, err := os.ReadFile(to)
			if err != nil {
				t.Fatal(err)
			}
			want, err := io.ReadAll(io.NewSectionReader(f.Content, 0, f.Size))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: mcopy has %d octets of %d, %v", f.Name, len(got), len(want), err)
			}
		}
	}
}

// What mkfs.vfat and mcopy made is read, also files in pieces.
func TestOursReadsOthers(t *testing.T) {
	dir := t.TempDir()
	image := filepath.Join(dir, "volume")
	tool(t, "mkfs.vfat", "-F", "32", "-s", "1", "-C", image, "65536")
	put := func(name string, size int) {
		from := filepath.Join(dir, "from")
		if err := os.WriteFile(from, bytes.Repeat([]byte(name[:1]), size), 0o600); err != nil {
			t.Fatal(err)
		}
		tool(t, "mcopy", "-o", "-i", image, from, "::"+name)
	}
	// Full but for holes, so that the last one must lie in pieces.
	put("a", 20*mib)
	put("b", 10*mib)
	put("c", 20*mib)
	put("d", 10*mib)
	tool(t, "mdel", "-i", image, "::b", "::d")
	put("Long name in pieces.bin", 18*mib)
	tool(t, "mmd", "-i", image, "::Folder")
	put("Folder/lower.txt", 100)

	volume, err := os.Open(image)
	if err != nil {
		t.Fatal(err)
	}
	defer volume.Close()
	f := opened(t, volume)
	for name, size := range map[string]int{"a": 20 * mib, "c": 20 * mib, "Long name in pieces.bin": 18 * mib, "Folder/lower.txt": 100} {
		b, err := fs.ReadFile(f, name)
		if err != nil || !bytes.Equal(b, bytes.Repeat([]byte(name[:1]), size)) {
			t.Errorf("%s: %d octets, %v", name, len(b), err)
		}
	}
	if _, err := f.Stat("b"); err == nil {
		t.Error("a deleted file is there")
	}
	if _, _, err := f.Locate("Long name in pieces.bin"); err == nil {
		t.Error("a file in pieces was located")
	}
}
