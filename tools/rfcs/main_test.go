package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The README shows the table as it is, and every place it names exists unless it
// is only planned.
func TestReadmeHasTheTable(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "sip", "rfcs.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := table(string(text))
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), want) {
		t.Error("the README's table of RFCs is not that of sip/rfcs.txt; put in what `go run ./tools/rfcs` prints")
	}
	for row := range strings.Lines(want) {
		cells := strings.Split(row, " | ")
		if len(cells) != 4 || strings.HasPrefix(cells[2], "Planned") || cells[1] == "What" {
			continue
		}
		for place := range strings.SplitSeq(strings.Trim(cells[3], " |\n"), ", ") {
			if _, err := os.Stat(filepath.Join(root, place)); err != nil {
				t.Errorf("%s: %v", cells[0], err)
			}
		}
	}
}
