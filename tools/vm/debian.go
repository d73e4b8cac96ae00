package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// kernel is what the machine boots.
type kernel struct {
	image   string
	modules []string // in the order in which they load
}

//go:embed kernel.sh
var script string

// prepare makes the kernel, unless an earlier run has.
func prepare(ctx context.Context, out string) (kernel, error) {
	dir, err := filepath.Abs(filepath.Join(out, "kernel"))
	if err != nil {
		return kernel{}, err
	}
	k := kernel{
		image:   filepath.Join(dir, "vmlinuz"),
		modules: []string{filepath.Join(dir, "configfs.ko"), filepath.Join(dir, "gpio-sim.ko")},
	}
	if _, err := os.Stat(k.modules[1]); err == nil {
		return k, nil
	}
	fmt.Println("preparing the kernel, once: some minutes")
	cmd := exec.CommandContext(ctx, "sh", "-eu", "-c", script, "kernel.sh", dir)
	text, err := cmd.CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		return k, fmt.Errorf("preparing the kernel: %w\n%s", err, strings.Join(lines[max(0, len(lines)-20):], "\n"))
	}
	return k, nil
}
