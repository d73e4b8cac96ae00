// Package built runs the tests of a package with a program that is built anew: the
// one that users run, not a part of the test.
package built

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Run builds the package pkg, tells in file where the program is, and runs the
// tests. It returns the status that TestMain exits with.
func Run(m *testing.M, pkg string, file *string) int {
	dir, err := os.MkdirTemp("", "chordophone")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	*file = filepath.Join(dir, filepath.Base(pkg))
	if out, err := exec.Command("go", "build", "-o", *file, pkg).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s does not build: %v\n%s", pkg, err, out)
		return 1
	}
	return m.Run()
}
