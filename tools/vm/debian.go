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

// kernel is what the machine boots.
type kernel struct {
	image   string
	modules []string // in the order in which they load
}

// The modules, in the order in which they load: those that Debian has, and the one
// that it has not.
var debian = [...]string{"configfs", "soundcore", "snd", "snd-timer", "snd-pcm", "snd-aloop"}

const gpioSim = "gpio-sim"

//go:embed kernel.sh
var script string

// prepare makes the kernel, unless an earlier run has.
func prepare(ctx context.Context, out string) (kernel, error) {
	dir, err := filepath.Abs(filepath.Join(out, "kernel"))
	if err != nil {
		return kernel{}, err
	}
	k := kernel{image: filepath.Join(dir, "vmlinuz")}
	there := true
	for _, m := range slices.Concat(debian[:], []string{gpioSim}) {
		file := filepath.Join(dir, m+".ko")
		k.modules = append(k.modules, file)
		_, err := os.Stat(file)
		there = there && err == nil
	}
	if there {
		return k, nil
	}
	fmt.Println("preparing the kernel, once: some minutes")
	cmd := exec.CommandContext(ctx, "sh", slices.Concat([]string{"-eu", "-c", script, "kernel.sh", dir}, debian[:])...)
	text, err := cmd.CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		return k, fmt.Errorf("preparing the kernel: %w\n%s", err, strings.Join(lines[max(0, len(lines)-20):], "\n"))
	}
	return k, nil
}
