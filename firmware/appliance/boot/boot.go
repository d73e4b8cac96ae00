// Package boot is how this machine was started: which of the two systems of the card
// runs, whether on trial, and what the kernel was told; and how to start it anew.
package boot

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// State is how the machine was started.
type State struct {
	Partition  int  // of the system that runs: disk.SystemA or SystemB; 0: not known
	Trial      bool // the firmware was asked to try this one, once
	NoWatchdog bool // leave the hardware watchdog alone, for emulators that reset when it is opened
	Quiet      bool // say nothing on the console but what is wrong
}

// Words of the kernel command line. The first two are for machines whose firmware says
// nothing, which is emulators.
const (
	wordPartition  = "chordophone.partition" // =2
	wordTrial      = "chordophone.trial"     // =1
	wordNoWatchdog = "chordophone.nowatchdog"
)

// Read reads what the kernel shows in proc, which is /proc: what the firmware of a
// Raspberry Pi says in the device tree, and the command line.
func Read(proc string) State {
	var s State
	line, _ := os.ReadFile(filepath.Join(proc, "cmdline")) // an empty one says nothing either
	for word := range strings.FieldsSeq(string(line)) {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case wordPartition:
			s.Partition, _ = strconv.Atoi(value)
		case wordTrial:
			s.Trial = value == "1"
		case wordNoWatchdog:
			s.NoWatchdog = true
		case "quiet":
			s.Quiet = true
		}
	}
	tree := filepath.Join(proc, "device-tree/chosen/bootloader")
	if n, ok := cell(filepath.Join(tree, "partition")); ok {
		s.Partition = int(n)
	}
	if n, ok := cell(filepath.Join(tree, "tryboot")); ok {
		s.Trial = n != 0
	}
	return s
}

// cell is a property of the device tree that is one number.
func cell(path string) (uint32, bool) {
	b, err := os.ReadFile(path)
	if err != nil || len(b) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b), true
}

// Again starts the machine anew. It does not return but with an error.
func Again() error {
	return fmt.Errorf("reboot: %w", unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART))
}

// tryArgument is what the Raspberry Pi's kernel passes on to the firmware: start the
// partition that autoboot.txt names under [tryboot], once.
const tryArgument = "0 tryboot"

// Try starts the machine anew with the other system, once. Where kernel or firmware
// know nothing of that, it is Again.
func Try() error {
	arg := []byte(tryArgument + "\x00")
	_, _, errno := unix.Syscall6(unix.SYS_REBOOT, unix.LINUX_REBOOT_MAGIC1, unix.LINUX_REBOOT_MAGIC2,
		unix.LINUX_REBOOT_CMD_RESTART2, uintptr(unsafe.Pointer(&arg[0])), 0, 0)
	runtime.KeepAlive(arg)
	return fmt.Errorf("reboot to the other system: %w", errno)
}

// Off switches the machine off.
func Off() error {
	return fmt.Errorf("power off: %w", unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF))
}
