package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// cardKernel is the SD card's kernel, in the version that tools/image/pins names.
const cardKernel = "github.com/gokrazy/kernel.rpi"

// fetchKernel returns the file of the SD card's kernel.
func fetchKernel(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", cardKernel)
	cmd.Dir = "tools/image/pins"
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	var got struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &got); jsonErr != nil || got.Error != "" {
		return "", fmt.Errorf("the SD card's kernel: %s (%w)", got.Error, errors.Join(err, jsonErr))
	}
	return filepath.Join(got.Dir, "vmlinuz"), nil
}

// startup packs the file system of machines in which the telephone is alone. more are
// files with their text.
func startup(ctx context.Context, s settings, name string, more map[string]string) (image string, err error) {
	var a archive
	for name, text := range more {
		a.text(name, text)
	}
	return starting(ctx, s, name, &a)
}

// starting adds to a file system what every machine needs in which the program of
// tools/vm/starter starts telephones, and writes it.
func starting(ctx context.Context, s settings, name string, a *archive) (image string, err error) {
	starter := filepath.Join(s.out, "starter")
	if err := build(ctx, starter, "./tools/vm/starter", ""); err != nil {
		return "", err
	}
	a.programs()
	for _, f := range [][2]string{{"init", starter}, {"chordophone", s.program}} {
		if err := a.file(f[0], f[1]); err != nil {
			return "", err
		}
	}
	image = filepath.Join(s.out, name+".cpio.gz")
	return image, a.write(image)
}

// commandLine is the kernel's: what stands after "--" is the starter's.
func commandLine(starter ...string) string {
	// The kernel's own driver would keep a line of the GPIO chip for a power key.
	return "console=ttyAMA0 quiet panic=-1 initcall_blacklist=gpio_keys_init -- " + strings.Join(starter, " ")
}

// namedLines writes the machine's device tree with names for the GPIO lines, as the
// Raspberry Pi's has them.
func namedLines(ctx context.Context, out string) (string, error) {
	tree := filepath.Join(out, "virt.dtb")
	args := []string{"-M", "virt,dumpdtb=" + tree, "-cpu", "cortex-a53", "-m", fmt.Sprint(memory), "-nographic", "-nic", "none"}
	if err := visible(exec.CommandContext(ctx, "qemu-system-aarch64", args...)); err != nil {
		return "", fmt.Errorf("%w (Debian: apt-get install qemu-system-arm)", err)
	}
	names := []string{"-t", "s", tree, "/pl061@9030000", "gpio-line-names"}
	for n := range 8 {
		names = append(names, fmt.Sprintf("GPIO%d", n))
	}
	if err := visible(exec.CommandContext(ctx, "fdtput", names...)); err != nil {
		return "", fmt.Errorf("%w (Debian: apt-get install device-tree-compiler)", err)
	}
	return tree, nil
}

// memory of a machine, in MiB: that of the smallest Raspberry Pi.
const memory = 512
