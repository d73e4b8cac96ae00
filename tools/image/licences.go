package main

import (
	"fmt"
	"io/fs"
	"strings"
)

// licences says whose software is on the card, under which terms, and where its source
// is: the kernel's licence asks for that, that of the boot firmware to be passed on.
func licences(s *sources) (string, error) {
	var b strings.Builder
	var failed error
	section := func(title string) { fmt.Fprintf(&b, "\n%s\n%s\n\n", title, strings.Repeat("=", len(title))) }
	text := func(from fs.FS, name string) {
		t, err := fs.ReadFile(from, name)
		if err != nil && failed == nil {
			failed = fmt.Errorf("licence: %w", err)
		}
		b.WriteString(strings.TrimRight(string(t), "\n") + "\n")
	}
	b.WriteString("What is on this card, whose it is, and under which terms.\n")

	section("The telephone: initramfs.zst")
	text(s.Project, "LICENSE")
	section("The Linux kernel, its drivers and device trees: kernel8.img, lib/modules, *.dtb, overlays")
	fmt.Fprintf(&b, "Built by the gokrazy project: %s.\n", s.Kernel.Name)
	b.WriteString("Its complete source, with the patches and settings that are in the folder _build of\n" +
		"that module (fetch it with: go mod download " + s.Kernel.Name + "):\n")
	text(s.Kernel, "_build/upstream-url.txt")
	b.WriteString("\n")
	text(s.Kernel, "LICENSE.linux")

	section("The boot firmware of the Raspberry Pi: bootcode.bin, start*.elf, fixup*.dat")
	fmt.Fprintf(&b, "As passed on by the gokrazy project: %s.\n\n", s.Boot.Name)
	text(s.Boot, "LICENSE.broadcom")

	for _, m := range s.Linked {
		section("Part of the telephone: " + m.Name)
		names, err := terms(m)
		if err != nil {
			return "", err
		}
		for _, name := range names {
			text(m, name)
		}
	}
	return b.String(), failed
}

// terms lists the files of a module that must be passed on with a program that was
// built from it.
func terms(m module) (names []string, err error) {
	entries, err := fs.ReadDir(m, ".")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	for _, e := range entries {
		upper := strings.ToUpper(e.Name())
		for _, word := range []string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"} {
			if strings.HasPrefix(upper, word) && e.Type().IsRegular() {
				names = append(names, e.Name())
			}
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: no licence in it", m.Name)
	}
	return names, nil
}
