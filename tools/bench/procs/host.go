package procs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrShared is the answer of Loopback on a Host whose loopback interface other
// programs use, too.
var ErrShared = errors.New("procs: loopback interface is shared: run as root to measure octets on it")

// errClosed is the answer of a closed Host.
var errClosed = errors.New("procs: host is closed")

// Host is a place for processes. It is safe for concurrent use.
type Host struct {
	// Private says that the loopback interface belongs to this Host alone.
	Private bool

	work chan func() // done by the thread of the Host
	gone chan struct{}

	mu     sync.Mutex // guards what follows
	closed bool
	procs  map[*Process]bool // not ended yet
}

// NewHost makes a Host. Without the right to make a network namespace it uses the
// loopback interface of the machine.
func NewHost() (*Host, error) {
	h := &Host{work: make(chan func()), gone: make(chan struct{}), procs: make(map[*Process]bool)}
	started := make(chan error)
	go h.run(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return h, nil
}

// run is the thread of the Host. The namespace is that of the thread, which its
// children inherit; and the kernel takes the end of the thread, not of the
// process, for the death of the parent. So it must live as long as they do, and
// must not be used for anything else: it is never unlocked, and ends with run.
func (h *Host) run(started chan<- error) {
	runtime.LockOSThread()
	defer close(h.gone)
	switch err := unix.Unshare(unix.CLONE_NEWNET); {
	case err == nil:
		h.Private = true
		if err := loopbackUp(); err != nil {
			started <- fmt.Errorf("procs: loopback interface: %w", err)
			return
		}
	case !errors.Is(err, unix.EPERM):
		started <- fmt.Errorf("procs: network namespace: %w", err)
		return
	}
	started <- nil
	for f := range h.work {
		f()
	}
}

// Do runs f on the thread of the Host: a socket that f opens belongs to its network.
// f must be short, and must not start goroutines that open sockets.
func (h *Host) Do(f func() error) error {
	h.mu.Lock()
	defer h.mu.Unlock() // Close waits
	if h.closed {
		return errClosed
	}
	return h.do(f)
}

// do runs f on the thread of the Host.
func (h *Host) do(f func() error) error {
	result := make(chan error, 1)
	h.work <- func() { result <- f() }
	return <-result
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
}

// Start starts cmd, whose standard input and output become those of the Process.
// line is called with each line of output, by one goroutine.
func (h *Host) Start(cmd *exec.Cmd, line func(string)) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, in: in, ended: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errClosed
	}
	if err := h.do(cmd.Start); err != nil {
		return nil, err
	}
	h.procs[p] = true
	go func() {
		p.collect(out, line)
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.procs, p)
	}()
	return p, nil
}

// Close kills what still runs, and waits for it.
func (h *Host) Close() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.closed = true
	var left []*Process
	for p := range h.procs {
		left = append(left, p)
	}
	h.mu.Unlock()
	for _, p := range left {
		p.Kill()
	}
	for _, p := range left {
		p.Wait(context.Background())
	}
	close(h.work)
	<-h.gone
}

// Traffic counts what was sent over the loopback interface, headers of IP, TCP
// and UDP included.
type Traffic struct{ Octets, Packets uint64 }

// Loopback is the traffic since the Host was made. The error is ErrShared when it
// cannot be told from that of others.
func (h *Host) Loopback() (t Traffic, err error) {
	if !h.Private {
		return t, ErrShared
	}
	err = h.do(func() error {
		data, err := os.ReadFile("/proc/thread-self/net/dev")
		if err == nil {
			t, err = parseDev(string(data))
		}
		return err
	})
	return t, err
}

// parseDev finds the sent octets and packets of lo in /proc/net/dev.
func parseDev(text string) (Traffic, error) {
	for line := range strings.Lines(text) {
		name, counters, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) != "lo" {
			continue
		}
		f := strings.Fields(counters)
		if len(f) < 10 {
			break
		}
		octets, err1 := strconv.ParseUint(f[8], 10, 64)
		packets, err2 := strconv.ParseUint(f[9], 10, 64)
		return Traffic{octets, packets}, errors.Join(err1, err2)
	}
	return Traffic{}, errors.New("procs: no counters of lo in /proc/net/dev")
}
