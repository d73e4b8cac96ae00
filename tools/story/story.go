// Package story plays the stories in testdata, by which the state machines are
// tested: what happens stands at the margin, what comes of it indented below. A
// machine's own test says how a story is told; go test -rewrite keeps what it told.
package story

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the stories in testdata anew, as the machine tells them")

// Play plays each file that the pattern names, of which there are at least so
// many: tell takes the story and returns it with what came of it this time.
func Play(t *testing.T, pattern string, least int, tell func(t *testing.T, story string) string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) < least {
		t.Fatalf("%d stories %s, want %d or more: %v", len(files), pattern, least, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := tell(t, string(want))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			compare(t, file, strings.Split(got, "\n"), strings.Split(string(want), "\n"))
		})
	}
}

// compare fails at the first line that differs, and shows the two after it.
func compare(t *testing.T, file string, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("%s:%d: (-rewrite accepts)\ngot  %q\nwant %q", file, i+1, some(got, i), some(want, i))
		}
	}
}

// some is at most three lines from the i-th on.
func some(lines []string, i int) []string {
	i = min(i, len(lines))
	return lines[i:min(i+3, len(lines))]
}
