package alsa

import (
	"io/fs"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// system is what the package asks of the kernel. No call of it is ended by a
// signal: Go preempts goroutines with one.
type system interface {
	files() fs.FS // the root of the file system
	open(path string) (fd int, err error)
	ioctl(fd int, request uintptr, arg unsafe.Pointer) error
	// poll waits until the device has or takes what the minimum available asks for.
	poll(fd int, dir Direction, limit time.Duration) (ready bool, err error)
	close(fd int) error
}

// linux is the real one.
type linux struct{}

func (linux) files() fs.FS { return os.DirFS("/") }

func (linux) open(path string) (int, error) {
	for {
		// With O_NONBLOCK the open does not wait for as long as another program has
		// the device, and a transfer does not wait for a card that has died.
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

func (linux) ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}

func (linux) poll(fd int, dir Direction, limit time.Duration) (bool, error) {
	events := int16(unix.POLLOUT)
	if dir == Capture {
		events = unix.POLLIN
	}
	for end := time.Now().Add(limit); ; {
		left := max(time.Until(end), 0)
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, int((left+time.Millisecond-1)/time.Millisecond))
		if err != unix.EINTR {
			return n > 0, err
		}
	}
}

func (linux) close(fd int) error { return unix.Close(fd) }
