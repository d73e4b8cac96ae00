package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// simulator runs the machine with Debian's kernel, whose guest plays the story and
// judges.
func simulator(ctx context.Context, s settings) error {
	k, err := prepare(ctx, s.out)
	if err != nil {
		return err
	}
	guest := filepath.Join(s.out, "guest")
	if err := build(ctx, guest, "./tools/vm/guest", ""); err != nil {
		return err
	}
	var a archive
	a.programs()
	if err := k.pack(&a, simulatorModules); err != nil {
		return err
	}
	for _, f := range [][2]string{{"chordophone", s.program}, {"init", guest}} {
		if err := a.file(f[0], f[1]); err != nil {
			return err
		}
	}
	image := filepath.Join(s.out, "simulator.cpio.gz")
	if err := a.write(image); err != nil {
		return err
	}
	return boot(ctx, filepath.Join(s.out, "simulator.log"), k.image(), image)
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
