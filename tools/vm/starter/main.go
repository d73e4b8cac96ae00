//go:build linux

// Starter is the first program of a machine of tools/vm whose telephone has the
// machine for itself: it makes the machine usable and starts the telephone, again
// when it ends.
//
//	starter [--address IP/BITS] [--disk DEVICE] ARGUMENTS OF chordophone
//
// The kernel hands it what stands after "--" on its command line, at most 32 words.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	err := start()
	fmt.Println("FAIL", err)
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

func start() error {
	address := flag.String("address", "", "of the network card")
	disk := flag.String("disk", "", "with an ext4 file system, for /data")
	if err := flag.CommandLine.Parse(os.Args[1:]); err != nil {
		return err
	}
	for _, m := range []struct{ kind, where string }{
		{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/tmp"}, {"tmpfs", "/data"},
	} {
		if err := mount(m.kind, m.where, m.kind, 0); err != nil {
			return err
		}
	}
	for _, link := range []struct{ name, address string }{{"lo", "127.0.0.1/8"}, {"eth0", *address}} {
		if err := up(link.name, link.address); err != nil {
			return fmt.Errorf("%s: %w", link.name, err)
		}
	}
	if *disk != "" {
		if err := wait(*disk); err != nil {
			return err
		}
		if err := mount(*disk, "/data", "ext4", unix.MS_NOATIME|unix.MS_NOSUID|unix.MS_NODEV); err != nil {
			return err
		}
	}
	for {
		fmt.Println("START", flag.Args())
		cmd := exec.Command("/chordophone", flag.Args()...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		fmt.Println("END", cmd.Run())
		time.Sleep(time.Second)
	}
}

func mount(what, where, kind string, flags uintptr) error {
	if err := os.MkdirAll(where, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(what, where, kind, flags, ""); err != nil && !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("mounting %s: %w", where, err)
	}
	return nil
}

// wait waits for a device that the kernel is about to find.
func wait(device string) error {
	for range 200 {
		if _, err := os.Stat(device); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("there is no %s", device)
}

// up gives a network card its address and switches it on.
func up(name, address string) error {
	p, err := netip.ParsePrefix(address)
	if err != nil {
		return err
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	ip, all := p.Addr().As4(), netip.MustParseAddr("255.255.255.255")
	mask := netip.PrefixFrom(all, p.Bits()).Masked().Addr().As4()
	for _, set := range []struct {
		call  uint
		value [4]byte
	}{{unix.SIOCSIFADDR, ip}, {unix.SIOCSIFNETMASK, mask}} {
		if err := r.SetInet4Addr(set.value[:]); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(s, set.call, r); err != nil {
			return err
		}
	}
	if err := unix.IoctlIfreq(s, unix.SIOCGIFFLAGS, r); err != nil {
		return err
	}
	r.SetUint16(r.Uint16() | unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, r)
}
