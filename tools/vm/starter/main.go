//go:build linux

// Starter is the first program of a machine of tools/vm whose telephones have the
// machine for themselves: it makes the machine usable and starts each telephone, again
// when it ends.
//
//	starter [--address IP/BITS] [--disk DEVICE] [--wait DEVICE] [--effort TIME] ARGUMENTS OF chordophone
//
// The kernel hands it what stands after "--" on its command line, at most 32 words. For
// several telephones there is a file /telephones instead, with the arguments of one in
// each line; before all that one says stands the number of its line. Modules of the
// kernel are in /modules.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"chordophone/tools/vm/insmod"
	"chordophone/tools/vm/measure"
)

func main() {
	err := start()
	fmt.Println("FAIL", err)
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

func start() error {
	address := flag.String("address", "", "of the network card")
	disk := flag.String("disk", "", "with an ext4 file system, for /data")
	device := flag.String("wait", "", "that the telephones need")
	effort := flag.Duration("effort", 0, "print again and again what the telephone has cost in this time")
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
	if err := insmod.All("/modules", nil); err != nil {
		return err
	}
	for _, link := range []struct{ name, address string }{{"lo", "127.0.0.1/8"}, {"eth0", *address}} {
		if link.address == "" {
			continue
		}
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
	if *device != "" {
		if err := wait(*device); err != nil {
			return err
		}
	}
	many, err := os.ReadFile("/telephones")
	if errors.Is(err, fs.ErrNotExist) {
		serve(flag.Args(), os.Stdout, *effort)
	}
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	n := 0
	for line := range strings.Lines(string(many)) {
		n++
		out, w := io.Pipe()
		all.Go(func() { serve(strings.Fields(line), w, *effort) })
		go prefix(fmt.Sprint(n, " "), out)
	}
	all.Wait() // for ever
	return nil
}

// serve starts a telephone whenever it is not there.
func serve(args []string, out io.Writer, effort time.Duration) {
	for {
		fmt.Fprintln(out, "START", args)
		fmt.Fprintln(out, "END", once(args, out, effort))
		time.Sleep(time.Second)
	}
}

// once runs a telephone to its end.
func once(args []string, out io.Writer, effort time.Duration) error {
	cmd := exec.Command("/chordophone", args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := make(chan struct{})
	defer close(stop)
	if effort > 0 {
		go tell(cmd.Process.Pid, effort, out, stop)
	}
	return cmd.Wait()
}

// tell prints what a process costs until it is told to stop.
func tell(pid int, every time.Duration, out io.Writer, stop <-chan struct{}) {
	var before measure.Effort
	at := time.Now()
	for {
		select {
		case <-stop:
			return
		case <-time.After(every):
		}
		e, err := measure.Of(pid)
		if err != nil {
			fmt.Fprintln(out, err)
			continue
		}
		now := time.Now()
		fmt.Fprintln(out, "EFFORT", e.Since(before, now.Sub(at)))
		before, at = e, now
	}
}

// prefix prints lines with a word before them.
func prefix(word string, in io.Reader) {
	for s := bufio.NewScanner(in); s.Scan(); {
		fmt.Println(word + s.Text())
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
