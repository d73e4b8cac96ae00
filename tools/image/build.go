package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"chordophone/storage/fat"
)

// result is what build made.
type result struct {
	card                    card
	image, compressed, slot artefact
}

// build makes the image of a telephone's card. cache is a folder for what takes long
// and never changes.
func build(p *phone, s *sources, size shape, out, cache string, log *progress) (r result, err error) {
	if !strings.HasSuffix(out, ".img") {
		return r, fmt.Errorf("%s: an image is called something.img", out)
	}
	defer func() { err = full(err, size) }()
	r.card.shape = size

	step := log.step("kernel")
	raw, err := s.Kernel.read(kernelFile)
	if err != nil {
		return r, err
	}
	kernel, kept, err := compressed(raw, cache)
	if err != nil {
		return r, err
	}
	step(len(kernel), map[bool]string{true: "kept from before", false: "compressed"}[kept])

	step = log.step("initramfs")
	ram, err := initramfs(p.program, s.Kernel)
	if err != nil {
		return r, err
	}
	step(len(ram), fmt.Sprintf("program %s and drivers", bytesText(len(p.program))))

	text, err := licences(s)
	if err != nil {
		return r, err
	}
	common, err := system(s, kernel, ram, text, configText, size.slot)
	if err != nil {
		return r, err
	}
	if r.card.system, err = system(s, kernel, ram, text, configText+p.pulses(), size.slot); err != nil {
		return r, err
	}
	if r.card.selector, err = selector(s, p, text, size.selector); err != nil {
		return r, err
	}

	step = log.step("slot")
	r.slot, err = create(strings.TrimSuffix(out, ".img")+".slot", size.slot, common.Write)
	if err != nil {
		return r, err
	}
	step(int(r.slot.size), fmt.Sprintf("%d files", len(r.card.system.Files)))

	step = log.step("image")
	r.image, err = create(out, size.size(), func(w io.WriterAt) (int64, error) { return size.size(), r.card.write(w) })
	if err != nil {
		return r, err
	}
	step(int(r.image.size), "partition table, selector, slots A and B, room for data")

	step = log.step("compress")
	if r.compressed, err = squeeze(out); err != nil {
		return r, err
	}
	step(int(r.compressed.size), filepath.Base(r.compressed.name))
	return r, nil
}

// full says what to do about a slot that has become too small.
func full(err error, size shape) error {
	if errors.Is(err, fat.ErrFull) {
		return fmt.Errorf("%w (hint: slots have %d MiB; standard in tools/image/card.go)", err, size.slot/mib)
	}
	return err
}

// progress tells people what takes how long.
type progress struct{ w io.Writer }

// step begins one; the function returned ends it, with the octets that it made.
func (p *progress) step(name string) func(octets int, what string) {
	begun := time.Now()
	return func(octets int, what string) {
		fmt.Fprintf(p.w, "%-10s %9s %6.1f s  %s\n", name, bytesText(octets), time.Since(begun).Seconds(), what)
	}
}

// bytesText is a number of octets for people.
func bytesText(n int) string {
	switch {
	case n == 0:
		return ""
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
