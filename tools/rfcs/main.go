// Command rfcs prints the table of standards in sip/rfcs.txt as Markdown, for the
// README. Run it in the root of the repository: go run ./tools/rfcs
package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	text, err := os.ReadFile("sip/rfcs.txt")
	if err == nil {
		var out string
		if out, err = table(string(text)); err == nil {
			fmt.Print(out)
			return
		}
	}
	fmt.Fprintln(os.Stderr, "rfcs:", err)
	os.Exit(1)
}

// table makes Markdown of the lines "RFC | what | how far | where".
func table(text string) (string, error) {
	var b strings.Builder
	b.WriteString("| RFC | What | How far | Where |\n|---|---|---|---|\n")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, " | ")
		if len(cells) != 4 {
			return "", fmt.Errorf("%q has %d columns, want 4", line, len(cells))
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	return b.String(), nil
}
