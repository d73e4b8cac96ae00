package report

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Host is the machine that the figures are from.
type Host struct {
	CPUs       int     `json:"cpus"`
	Arch       string  `json:"arch"`
	Kernel     string  `json:"kernel"`
	Filesystem string  `json:"filesystem"` // of the nodes' data
	FsyncMS    float64 `json:"fsync_ms"`   // median
	Load       string  `json:"load"`       // average over one minute before the run
}

func (h Host) String() string {
	return fmt.Sprintf("%d CPUs (%s), Linux %s, %s with an fsync of %.2f ms, load before %s",
		h.CPUs, h.Arch, h.Kernel, h.Filesystem, h.FsyncMS, h.Load)
}

// ThisHost looks at the machine and at the disk below dir.
func ThisHost(dir string) (Host, error) {
	h := Host{CPUs: runtime.NumCPU(), Arch: runtime.GOARCH}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return h, err
	}
	h.Kernel = unix.ByteSliceToString(u.Release[:])
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		h.Load, _, _ = strings.Cut(string(load), " ")
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return h, err
	}
	h.Filesystem = filesystem(int64(fs.Type))
	var err error
	h.FsyncMS, err = fsyncTime(dir)
	return h, err
}

func filesystem(magic int64) string {
	switch magic {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.TMPFS_MAGIC:
		return "tmpfs (memory: no real disk)"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlayfs"
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.F2FS_SUPER_MAGIC:
		return "f2fs"
	}
	return fmt.Sprintf("file system %#x", magic)
}

// fsyncTime is the median time in milliseconds that the disk takes to make a page
// durable.
func fsyncTime(dir string) (float64, error) {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var s Sample
	page := make([]byte, 4096)
	for range 11 {
		if _, err := f.WriteAt(page, 0); err != nil {
			return 0, err
		}
		start := time.Now()
		if err := f.Sync(); err != nil {
			return 0, err
		}
		s = append(s, time.Since(start))
		page[0]++
	}
	return Milliseconds(s.Quantile(0.5)), nil
}
