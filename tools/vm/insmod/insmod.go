//go:build linux

// Package insmod gives modules to the kernel of an emulated machine.
package insmod

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// All loads the modules of a folder in the order of their names, which are a number, an
// underscore and the module's own name. parameters are by the latter.
func All(dir string, parameters map[string]string) error {
	modules, err := filepath.Glob(filepath.Join(dir, "*.ko")) // sorted
	if err != nil {
		return err
	}
	for _, m := range modules {
		_, name, _ := strings.Cut(filepath.Base(m), "_")
		if err := load(m, parameters[name]); err != nil {
			return fmt.Errorf("%s: %w", m, err)
		}
	}
	return nil
}

func load(file, parameters string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.FinitModule(int(f.Fd()), parameters, 0)
}
