package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The archive is what the kernel unpacks: each entry begins at a multiple of four,
// folders stand before what is in them, and the trailer is last.
func TestArchive(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if err := os.WriteFile(data, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	var a archive
	a.device("dev/null", 1, 3)
	a.device("dev/console", 5, 1)
	if err := a.file("init", data); err != nil {
		t.Fatal(err)
	}
	if err := a.write(filepath.Join(dir, "x.gz")); err != nil {
		t.Fatal(err)
	}
	z, err := os.ReadFile(filepath.Join(dir, "x.gz"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(z))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for at := 0; at < len(b); {
		head := string(b[at : at+110])
		var mode, size, major, minor, length int
		for _, field := range []struct {
			n    int
			into *int
		}{{1, &mode}, {6, &size}, {9, &major}, {10, &minor}, {11, &length}} {
			if _, err := fmt.Sscanf(head[6+8*field.n:14+8*field.n], "%x", field.into); err != nil {
				t.Fatal(err)
			}
		}
		name := strings.TrimSuffix(string(b[at+110:at+110+length]), "\x00")
		names = append(names, fmt.Sprintf("%s %o %d,%d", name, mode, major, minor))
		begin := (at + 110 + length + 3) &^ 3
		if name == "init" && string(b[begin:begin+size]) != "hello" {
			t.Errorf("init holds %q", b[begin:begin+size])
		}
		if head[:6] != "070701" {
			t.Fatalf("no entry at %d", at)
		}
		at = (begin + size + 3) &^ 3
	}
	want := []string{"dev 40755 0,0", "dev/null 20600 1,3", "dev/console 20600 5,1", "init 100755 0,0", "TRAILER!!! 0 0,0"}
	if !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

// Only the guest's last word counts, wherever the kernel's messages stand.
func TestWatch(t *testing.T) {
	for console, want := range map[string]bool{
		"ok 1s a\r\nPASS   2s\r\n[ 2.0] reboot: Power down\r\n": true,
		"ok 1s a\r\nFAIL 2s b\r\n":                              false,
		"[ 1.0] Kernel panic":                                   false,
		"":                                                      false,
	} {
		if got := watch(strings.NewReader(console)); got != want {
			t.Errorf("%q: %t", console, got)
		}
	}
}
