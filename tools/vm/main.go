// Command vm proves the telephone's GPIO code against the kernel's own: it boots
// the arm64 program in an emulated machine with Debian's kernel, the kernel's GPIO
// simulator and its loopback sound cards, where the program of tools/vm/guest moves
// switches, reads lamps, speaks and listens.
//
// The machine's clock counts instructions and skips what nobody waits in, so that
// how busy the host is changes nothing. It says nothing of a real processor's speed:
// order, completeness and levels are checked, and no time below 100 ms.
//
// The first run downloads Debian's kernel, some 260 MB, and compiles the simulator,
// which Debian leaves out; both are kept.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	out := flag.String("out", "build/vm", "folder that keeps the kernel and the log")
	limit := flag.Duration("limit", 10*time.Minute, "longest time for the machine")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *out, *limit); err != nil {
		fmt.Fprintln(os.Stderr, "vm:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string, limit time.Duration) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	k, err := prepare(ctx, out)
	if err != nil {
		return err
	}
	image := filepath.Join(out, "initramfs.cpio.gz")
	if err := pack(ctx, out, image, k); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return boot(ctx, filepath.Join(out, "vm.log"), k.image, image)
}

// pack builds the programs and the file system that the machine starts with.
func pack(ctx context.Context, out, image string, k kernel) error {
	var a archive
	a.device("dev/console", 5, 1)
	a.device("dev/null", 1, 3) // a Go program needs it before main
	for _, p := range []struct{ name, path string }{
		{"chordophone", "./firmware/cmd/chordophone"}, {"init", "./tools/vm/guest"},
	} {
		file := filepath.Join(out, p.name)
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, p.path)
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
		if err := visible(cmd); err != nil {
			return err
		}
		if err := a.file(p.name, file); err != nil {
			return err
		}
	}
	for i, m := range k.modules {
		if err := a.file(fmt.Sprintf("modules/%02d_%s", i, filepath.Base(m)), m); err != nil {
			return err
		}
	}
	return a.write(image)
}

// boot runs the machine to its end and says whether the guest was content.
func boot(ctx context.Context, log, kernel, image string) error {
	f, err := os.Create(log)
	if err != nil {
		return err
	}
	defer f.Close()
	begin := time.Now()
	cmd := exec.CommandContext(ctx, "qemu-system-aarch64",
		"-M", "virt", "-cpu", "max,pauth-impdef=on", "-m", "512", "-icount", "shift=1,sleep=off",
		"-kernel", kernel, "-initrd", image, "-append", "console=ttyAMA0 quiet panic=-1",
		"-nic", "none", "-nographic", "-no-reboot")
	console, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w (Debian: apt-get install qemu-system-arm)", err)
	}
	passed := watch(io.TeeReader(console, f))
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("qemu: %w, its console is in %s", err, log)
	}
	fmt.Printf("the machine ran for %.1f s\n", time.Since(begin).Seconds())
	if !passed {
		return fmt.Errorf("the guest did not pass: see %s", log)
	}
	return nil
}

// watch prints the guest's reports and returns whether the last is that it passed.
func watch(console io.Reader) (passed bool) {
	s := bufio.NewScanner(console)
	for s.Scan() {
		line := strings.TrimSpace(s.Text())
		if line == "" {
			continue
		}
		fmt.Println(line)
		passed = passed || strings.HasPrefix(line, "PASS ")
	}
	return passed
}

// visible runs a command; what it says is shown if it fails.
func visible(cmd *exec.Cmd) error {
	text, err := cmd.CombinedOutput()
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err), errors.New(string(text)))
	}
	return nil
}
