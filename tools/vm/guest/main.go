//go:build linux

// Guest is the first and only program of the machine of tools/vm: it makes GPIO
// chips with the kernel's simulator, starts two telephones on them, moves their
// switches, and reads what they do with their lamps.
package main

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"chordophone/tools/vm/insmod"
)

func main() {
	err := boot()
	if err == nil {
		err = play()
	}
	if err != nil {
		fmt.Printf("FAIL %s %v\n", uptime(), err)
	} else {
		fmt.Printf("PASS %s\n", uptime())
	}
	unix.Sync()
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// boot makes the machine usable: file systems, modules, the loopback interface.
func boot() error {
	for _, m := range []struct{ kind, where string }{
		{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/tmp"},
	} {
		if err := os.MkdirAll(m.where, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.where, m.kind, 0, ""); err != nil && err != syscall.EBUSY {
			return fmt.Errorf("mounting %s: %w", m.where, err)
		}
	}
	if err := insmod.All("/modules", parameters); err != nil {
		return err
	}
	if err := unix.Mount("configfs", "/sys/kernel/config", "configfs", 0, ""); err != nil {
		return fmt.Errorf("configfs: %w", err)
	}
	return loopback()
}

// parameters of modules: a sound card for each telephone.
var parameters = map[string]string{"snd-aloop.ko": "enable=1,1,1,1 index=0,1,2,3 id=one,two,three,four pcm_substreams=1"}

// loopback switches the interface lo on.
func loopback() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, r)
}

// uptime is the time since the kernel began.
func uptime() string {
	var info unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &info); err != nil {
		return "?"
	}
	return fmt.Sprintf("%6.2fs", time.Duration(info.Nano()).Seconds())
}

// say reports a step that went well.
func say(format string, args ...any) {
	fmt.Printf("ok   %s %s\n", uptime(), fmt.Sprintf(format, args...))
}

// measured reports a figure.
func measured(format string, args ...any) {
	fmt.Printf("note %s %s\n", uptime(), fmt.Sprintf(format, args...))
}

// until waits for something that must come true.
func until(what string, limit time.Duration, is func() bool) error {
	for end := time.Now().Add(limit); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("not within %v: %s", limit, what)
		}
	}
	return nil
}
