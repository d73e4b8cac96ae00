package logfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The files together never hold more than their limits, and the newest lines are there.
func TestBounded(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log", "phone")
	l := Open(path, Limits{Octets: 1000, Files: 2})
	for i := range 1000 {
		l.Line(fmt.Sprintf("line %d", i))
	}
	l.Close()
	all, err := filepath.Glob(path + "*")
	if err != nil || len(all) != 3 {
		t.Fatal(all, err)
	}
	text := read(t, path+".2") + read(t, path+".1") + read(t, path)
	if len(text) > 3*1010 || !strings.HasSuffix(text, "line 998\nline 999\n") {
		t.Errorf("%d octets, ending in %q", len(text), text[max(0, len(text)-30):])
	}
	first := 0
	fmt.Sscanf(text, "line %d", &first)
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if line != fmt.Sprintf("line %d", first+i) {
			t.Fatalf("line %d is %q", first+i, line)
		}
	}
	l = Open(path, Limits{Octets: 1000, Files: 2}) // the next start goes on
	l.Line("more")
	if !strings.HasSuffix(read(t, path), "line 999\nmore\n") {
		t.Error("the next start begins anew")
	}
}

// A telephone that says too much is written as far as the budget goes, and what was
// lost is counted in the log.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "log")
		l := Open(path, Limits{Octets: 1 << 20, Burst: 1000, Rate: 10})
		line := strings.Repeat("x", 99)
		for range 50 {
			l.Line(line)
		}
		if n := len(read(t, path)); n != 1000 {
			t.Errorf("%d octets at once", n)
		}
		time.Sleep(30 * time.Second)
		for range 3 {
			l.Line(line)
		}
		text := read(t, path)
		if !strings.Contains(text, "(40 lines lost)\n") || len(text) > 1000+300+100 {
			t.Errorf("%d octets: %q", len(text), text[1000:])
		}
	})
}

// A card that cannot be written stops nobody; when it can be again, the log goes on.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the folder is to be
			t.Fatal(err)
		}
		l := Open(filepath.Join(dir, "log"), Card)
		l.Line("one")
		l.Flush()
		os.Remove(dir)
		l.Line("two")
		time.Sleep(retry)
		l.Line("three")
		if got := read(t, filepath.Join(dir, "log")); got != "(2 lines lost)\nthree\n" {
			t.Errorf("%q", got)
		}
		l.Close()
	})
}
