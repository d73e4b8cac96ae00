package slot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Device is a block device or a file. It goes round the kernel's cache where it can
// (O_DIRECT), so that an update neither pushes other things out of memory nor piles
// up what has to be written. It is safe for concurrent use.
type Device struct {
	f      *os.File
	direct bool

	mu  sync.Mutex // guards buf
	buf []byte     // aligned to a page
}

// bounce is how much is read and written at a time, in octets.
const bounce = 256 << 10

// OpenDevice opens a partition to be read and written.
func OpenDevice(path string) (*Device, error) {
	const page = 4096
	buf := make([]byte, bounce+page)
	buf = buf[-uintptr(unsafe.Pointer(&buf[0]))&(page-1):][:bounce]
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if err == nil {
		if _, err = f.ReadAt(buf[:Sector], Sector); err == nil || errors.Is(err, io.EOF) {
			return &Device{f: f, direct: true, buf: buf}, nil
		}
		f.Close()
	}
	if !errors.Is(err, unix.EINVAL) { // else the file system cannot do it, or not with our sectors
		return nil, err
	}
	if f, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
		return nil, err
	}
	return &Device{f: f, buf: buf}, nil
}

// Close closes the device.
func (d *Device) Close() error { return d.f.Close() }

// Size is how many octets it has.
func (d *Device) Size() (int64, error) { return d.f.Seek(0, io.SeekEnd) }

// ReadAt reads, as io.ReaderAt says.
func (d *Device) ReadAt(p []byte, off int64) (n int, err error) {
	return d.pieces(p, off, func(part []byte, off int64) (int, error) {
		n, err := d.f.ReadAt(d.buf[:len(part)], off)
		copy(part, d.buf[:n])
		return n, err
	})
}

// WriteAt writes, as io.WriterAt says. It never makes a file longer.
func (d *Device) WriteAt(p []byte, off int64) (n int, err error) {
	size, err := d.Size()
	if err != nil {
		return 0, err
	}
	if off+int64(len(p)) > size {
		return 0, fmt.Errorf("%s: %w: write of %d octets at %d of %d", d.f.Name(), unix.ENOSPC, len(p), off, size)
	}
	return d.pieces(p, off, func(part []byte, off int64) (int, error) {
		copy(d.buf, part)
		return d.f.WriteAt(d.buf[:len(part)], off)
	})
}

// pieces does something by way of the aligned buffer.
func (d *Device) pieces(p []byte, off int64, do func(part []byte, off int64) (int, error)) (n int, err error) {
	if off%Sector != 0 || len(p)%Sector != 0 {
		return 0, fmt.Errorf("%s: %w: %d octets at %d are no sectors", d.f.Name(), unix.EINVAL, len(p), off)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	defer unhurried()()
	for n < len(p) {
		part := p[n:min(len(p), n+bounce)]
		done, err := do(part, off+int64(n))
		n += done
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Sync is fdatasync, which for a block device empties the card's cache, too.
func (d *Device) Sync() error {
	return d.control(unix.Fdatasync)
}

// Forget drops what the kernel remembers.
func (d *Device) Forget() error {
	if d.direct {
		return nil
	}
	return d.control(func(fd int) error { return unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED) })
}

func (d *Device) control(do func(fd int) error) error {
	c, err := d.f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := c.Control(func(fd uintptr) {
		for failed = do(int(fd)); failed == unix.EINTR; failed = do(int(fd)) {
		}
	}); err != nil {
		return err
	}
	return failed
}

// unhurried lets what this thread reads and writes wait behind all others', until the
// function that it returns is called. That is a courtesy: where the kernel refuses
// it, or the scheduler knows no priorities, nothing changes.
func unhurried() (end func()) {
	const (
		whoProcess     = 1 // IOPRIO_WHO_PROCESS: 0 is the thread that calls
		classShift     = 13
		bestEffort, at = 2, 7 // IOPRIO_CLASS_BE, lowest level
	)
	runtime.LockOSThread()
	old, _, _ := unix.RawSyscall(unix.SYS_IOPRIO_GET, whoProcess, 0, 0)
	unix.RawSyscall(unix.SYS_IOPRIO_SET, whoProcess, 0, bestEffort<<classShift|at)
	return func() {
		unix.RawSyscall(unix.SYS_IOPRIO_SET, whoProcess, 0, old)
		runtime.UnlockOSThread()
	}
}
