package appliance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// moduleDir holds the kernel's modules and a file order, which names them, one a line
// and relative to it, each after those that it needs.
const moduleDir = "/lib/modules"

// firmwareDir is where the kernel looks for what it loads into devices.
const firmwareDir = "/lib/firmware"

// loadModules loads the modules of dir/order. One that fails does not keep the others
// from being tried.
func loadModules(dir string, load func(*os.File) error) error {
	list, err := os.ReadFile(filepath.Join(dir, "order"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var all error
	for name := range strings.FieldsSeq(string(list)) {
		f, err := os.Open(filepath.Join(dir, name))
		if err == nil {
			err = load(f)
			f.Close()
		}
		if err != nil && !errors.Is(err, unix.EEXIST) {
			all = errors.Join(all, fmt.Errorf("module %s: %w", name, err))
		}
	}
	return all
}

// insert gives a module to the kernel.
func insert(f *os.File) error {
	return unix.FinitModule(int(f.Fd()), "", 0)
}
