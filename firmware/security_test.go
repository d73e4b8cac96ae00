package firmware

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each test that SECURITY.md names exists, and each provision and threat has its row.
func TestSecurityNamesTests(t *testing.T) {
	text, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`([a-z/]+)\\.((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(string(text), -1)
	if len(names) < 50 {
		t.Fatalf("only %d tests are named: the search is wrong", len(names))
	}
	known := make(map[string]string) // code of the tests, by folder
	for _, name := range names {
		folder := name[1]
		if _, ok := known[folder]; !ok {
			known[folder] = code(t, folder)
		}
		if !strings.Contains(known[folder], "\nfunc "+name[2]+"(") {
			t.Errorf("%s: there is no %s", folder, name[2])
		}
	}
	for row, n := range map[string]int{`(?m)^\| 5\.\d+ \|`: 13, `(?m)^\| T\d+ \|`: 20} {
		if got := len(regexp.MustCompile(row).FindAllString(string(text), -1)); got != n {
			t.Errorf("%d rows %s, want %d", got, row, n)
		}
	}
	// A row without a test must say what is not met.
	for line := range strings.Lines(string(text)) {
		if regexp.MustCompile(`^\| (5\.|T)\d+ \|`).MatchString(line) && !strings.Contains(line, ".Test") && !strings.Contains(line, "**Not met**") {
			t.Errorf("neither tested nor said not to be met: %s", line)
		}
	}
}

// code is the text of all tests in a folder of the project.
func code(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
