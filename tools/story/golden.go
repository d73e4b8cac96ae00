package story

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the tests compare with anew, in testdata, as it is today")

// Golden holds what a test made against a file of text, line by line.
func Golden(t *testing.T, file, got string) {
	t.Helper()
	compare(t, file, strings.Split(got, "\n"), strings.Split(string(Kept(t, file, []byte(got))), "\n"))
}

// Kept is what a file holds, for a test that compares in its own way. With -rewrite
// the file holds got first.
func Kept(t *testing.T, file string, got []byte) []byte {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// compare fails at the first line that differs, and shows the two after it.
func compare(t *testing.T, file string, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Errorf("%s:%d: (-rewrite accepts)\ngot  %q\nwant %q", file, i+1, some(got, i), some(want, i))
			return
		}
	}
}

// some is at most three lines from the i-th on.
func some(lines []string, i int) []string {
	i = min(i, len(lines))
	return lines[i:min(i+3, len(lines))]
}
