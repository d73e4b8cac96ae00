// Package story plays the stories in testdata, by which the state machines are
// tested: what happens stands at the margin, what comes of it indented below. A
// machine's own test says how a story is told; go test -rewrite keeps what it told.
// Whatever else is compared with a file in testdata has the same flag, by Golden.
package story

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
			story, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			Golden(t, file, tell(t, string(story)))
		})
	}
}
