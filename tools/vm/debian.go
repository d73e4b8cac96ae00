package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// kernel is Debian's.
type kernel struct{ dir string }

// image is the file to boot.
func (k kernel) image() string { return filepath.Join(k.dir, "vmlinuz") }

// pack adds modules to a file system, in the order in which they are to be loaded.
func (k kernel) pack(a *archive, modules []string) error {
	for i, m := range modules {
		if err := a.file(fmt.Sprintf("modules/%02d_%s.ko", i, m), filepath.Join(k.dir, m+".ko")); err != nil {
			return err
		}
	}
	return nil
}

// The modules of the machines, in the order in which they are loaded. Debian has all but
// the GPIO simulator.
var (
	simulatorModules = []string{"configfs", "soundcore", "snd", "snd-timer", "snd-pcm", "snd-aloop", gpioSim}
	displayModules   = []string{"usb-common", "usbcore", "xhci-hcd", "xhci-pci", "i2c-dev", "i2c-tiny-usb"}
)

const gpioSim = "gpio-sim"

//go:embed kernel.sh
var script string

// prepare makes the kernel, unless an earlier run has.
func prepare(ctx context.Context, out string) (kernel, error) {
	dir, err := filepath.Abs(filepath.Join(out, "kernel"))
	if err != nil {
		return kernel{}, err
	}
	k := kernel{dir}
	there := true
	var fetched []string // as they are
	for _, m := range slices.Concat(simulatorModules, displayModules) {
		if m != gpioSim {
			fetched = append(fetched, m)
		}
		_, err := os.Stat(filepath.Join(dir, m+".ko"))
		there = there && err == nil
	}
	if there {
		return k, nil
	}
	fmt.Println("preparing the kernel, once: some minutes")
	cmd := exec.CommandContext(ctx, "sh", slices.Concat([]string{"-eu", "-c", script, "kernel.sh", dir}, fetched)...)
	text, err := cmd.CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		return k, fmt.Errorf("preparing the kernel: %w\n%s", err, strings.Join(lines[max(0, len(lines)-20):], "\n"))
	}
	return k, nil
}
