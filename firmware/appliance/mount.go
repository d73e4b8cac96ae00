package appliance

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// The folders of the appliance.
const (
	dataDir     = "/data"     // the data partition
	selectorDir = "/selector" // partition 1, read only
	memoryDir   = "/run/data" // what stands in for the data partition
	logDir      = "/run/log"
)

const private = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// early is what is mounted first, in order. What has no folder to be mounted on in a
// file system of the kernel is left out.
var early = []struct {
	dir, kind, options string
	flags              uintptr
	kernels            bool // the folder is there, or the kernel does not have it
}{
	{"/proc", "proc", "", private, false},
	{"/sys", "sysfs", "", private, false},
	{"/dev", "devtmpfs", "mode=0755", unix.MS_NOSUID | unix.MS_NOEXEC, false},
	{"/dev/pts", "devpts", "mode=0620,ptmxmode=0666", unix.MS_NOSUID | unix.MS_NOEXEC, false},
	{"/run", "tmpfs", "mode=0755,size=96m", private, false},
	{"/tmp", "tmpfs", "mode=1777,size=32m", private, false},
	{"/sys/kernel/config", "configfs", "", private, true},
}

// mountEarly mounts what every program expects. All is tried; the errors are joined.
func mountEarly() error {
	var all error
	for _, m := range early {
		if m.kernels {
			if _, err := os.Stat(m.dir); err != nil {
				continue
			}
		}
		if err := mount(m.kind, m.dir, m.kind, m.flags, m.options); err != nil {
			all = errors.Join(all, err)
		}
	}
	return all
}

// mount mounts what in a folder, which it makes.
func mount(what, dir, kind string, flags uintptr, options string) error {
	os.MkdirAll(dir, 0o755) // what is wrong with it, mount says
	if err := unix.Mount(what, dir, kind, flags, options); err != nil {
		return fmt.Errorf("mount %s at %s: %w", what, dir, err)
	}
	return nil
}

// sysctl sets what the kernel does; an old kernel may not know it.
func sysctl(name, value string) {
	os.WriteFile("/proc/sys/"+name, []byte(value), 0o644)
}
