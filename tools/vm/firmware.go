package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"chordophone/storage/fat"
)

// system is what a Raspberry Pi's boot firmware starts.
type system struct {
	partition   int
	kernel      string // files of the host
	initrd      string
	commandLine string
}

// startSystem does what the boot firmware does with a card: it reads which partition
// is to start, and takes kernel, initramfs and command line from there, as the
// config.txt there names them. What it takes is written into a folder for QEMU.
func startSystem(card io.ReaderAt, out string, trial bool) (s system, err error) {
	selector, err := partition(card, 1)
	if err != nil {
		return s, err
	}
	text, err := fs.ReadFile(selector, "autoboot.txt")
	if err != nil {
		return s, err
	}
	if s.partition, err = choose(string(text), trial); err != nil {
		return s, err
	}
	slot, err := partition(card, s.partition)
	if err != nil {
		return s, err
	}
	config, err := fs.ReadFile(slot, "config.txt")
	if err != nil {
		return s, err
	}
	kernel, initramfs := "", ""
	for line := range sectionLines(string(config), "all") {
		if v, ok := strings.CutPrefix(line, "kernel="); ok {
			kernel = v
		}
		if f := strings.Fields(line); len(f) == 3 && f[0] == "initramfs" {
			initramfs = f[1]
		}
	}
	line, err := fs.ReadFile(slot, "cmdline.txt")
	if err != nil {
		return s, err
	}
	// serial0 is the firmware's name for the serial port; there is no screen, and the
	// telephone is to tell the console what it does.
	s.commandLine = strings.NewReplacer("console=serial0,115200", "console=ttyAMA0", "console=tty1", "", "quiet", "loglevel=3").Replace(strings.TrimSpace(string(line)))
	s.kernel, s.initrd = filepath.Join(out, "card-kernel"), filepath.Join(out, "card-initramfs")
	return s, errors.Join(extract(slot, kernel, s.kernel), extract(slot, initramfs, s.initrd))
}

// choose is the partition that autoboot.txt names. // raspberrypi.com, config_txt: autoboot.txt
func choose(text string, trial bool) (int, error) {
	section, chosen := map[bool]string{false: "all", true: "tryboot"}[trial], 0
	for line := range sectionLines(text, section) {
		if v, ok := strings.CutPrefix(line, "boot_partition="); ok {
			var err error
			if chosen, err = strconv.Atoi(v); err != nil {
				return 0, fmt.Errorf("autoboot.txt: %w", err)
			}
		}
	}
	if chosen == 0 {
		return 0, fmt.Errorf("autoboot.txt names no partition under [%s]: %q", section, text)
	}
	return chosen, nil
}

// sectionLines are the lines of a file in a section.
func sectionLines(text, section string) func(func(string) bool) {
	return func(yield func(string) bool) {
		now := "all"
		for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
			line := strings.TrimSpace(s.Text())
			if name, ok := strings.CutPrefix(line, "["); ok {
				now = strings.TrimSuffix(name, "]")
			} else if now == section && line != "" && line[0] != '#' && !yield(line) {
				return
			}
		}
	}
}

// extent is where a partition lies on a card, in octets.
func extent(card io.ReaderAt, n int) (at, size int64, err error) {
	table := make([]byte, 512)
	if _, err := card.ReadAt(table, 0); err != nil {
		return 0, 0, err
	}
	entry := table[446+16*(n-1):]
	at, size = 512*int64(binary.LittleEndian.Uint32(entry[8:])), 512*int64(binary.LittleEndian.Uint32(entry[12:]))
	if table[510] != 0x55 || table[511] != 0xaa || size == 0 {
		return 0, 0, fmt.Errorf("the card has no partition %d", n)
	}
	return at, size, nil
}

// partition opens a FAT partition of a card.
func partition(card io.ReaderAt, n int) (*fat.FS, error) {
	at, size, err := extent(card, n)
	if err != nil {
		return nil, err
	}
	f, err := fat.Open(io.NewSectionReader(card, at, size))
	if err != nil {
		return nil, fmt.Errorf("partition %d: %w", n, err)
	}
	return f, nil
}

func extract(from fs.FS, name, to string) error {
	b, err := fs.ReadFile(from, name)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o644)
}
