package qemu

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Config is a machine to be.
type Config struct {
	Name    string   // in messages
	Kernel  string   // files of the host
	Initrd  string   //
	Append  string   // the kernel's command line
	Log     string   // file that keeps the console
	Args    []string // the devices, and what else QEMU is to be told
	Memory  int      // MiB
	Control bool     // with Monitor and GPIO
}

// Board is the machine's: the processor of a Raspberry Pi 3 on QEMU's own board,
// without hardware acceleration, which a machine for arm64 seldom has.
var board = []string{"-M", "virt", "-cpu", "cortex-a53", "-accel", "tcg", "-nographic", "-no-reboot"}

// Machine is a running emulator. Its methods may be called from several goroutines.
type Machine struct {
	Name    string
	Started time.Time
	Monitor *Monitor // nil without Config.Control
	GPIO    *GPIO

	cmd  *exec.Cmd
	dir  string // of the sockets
	gone chan struct{}

	mu    sync.Mutex
	lines []string
	times []time.Time // when each line came
	read  int         // lines that Hear has passed
}

// Start starts a machine. It ends with ctx.
func Start(ctx context.Context, c Config) (_ *Machine, err error) {
	m := &Machine{Name: c.Name, Started: time.Now(), gone: make(chan struct{})}
	args := append(append([]string{}, board...),
		"-m", fmt.Sprint(c.Memory), "-kernel", c.Kernel, "-initrd", c.Initrd, "-append", c.Append)
	if c.Control {
		// Not in the folder of the log: the path of a socket is short.
		if m.dir, err = os.MkdirTemp("", "vm"); err != nil {
			return nil, err
		}
		args = append(args,
			"-qmp", "unix:"+m.socket("qmp")+",server=on,wait=off",
			"-qtest", "unix:"+m.socket("qtest")+",server=on,wait=off", "-qtest-log", os.DevNull)
	}
	log, err := os.Create(c.Log)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(m.dir))
	}
	m.cmd = exec.CommandContext(ctx, "qemu-system-aarch64", append(args, c.Args...)...)
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	console, w := io.Pipe()
	m.cmd.Stdout, m.cmd.Stderr = w, w
	if err := m.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("%w (Debian: apt-get install qemu-system-arm)", err), log.Close(), os.RemoveAll(m.dir))
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		m.follow(io.TeeReader(console, log))
	}()
	go func() {
		defer close(m.gone)
		m.cmd.Wait()
		w.Close()
		<-read
		log.Close()
		os.RemoveAll(m.dir)
	}()
	if c.Control {
		if err := m.control(ctx); err != nil {
			m.Kill()
			return nil, fmt.Errorf("%s: %w\n%s", c.Name, err, m.Last(10))
		}
	}
	return m, nil
}

func (m *Machine) socket(name string) string { return filepath.Join(m.dir, name) }

// control connects to the machine's sockets.
func (m *Machine) control(ctx context.Context) (err error) {
	if m.Monitor, err = dialMonitor(ctx, m.socket("qmp")); err != nil {
		return err
	}
	m.GPIO, err = dialGPIO(ctx, m.socket("qtest"), m.Monitor)
	return err
}

// follow keeps what the machine says.
func (m *Machine) follow(console io.Reader) {
	s := bufio.NewScanner(console)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		line := strings.TrimRight(s.Text(), "\r")
		m.mu.Lock()
		m.lines, m.times = append(m.lines, line), append(m.times, time.Now())
		m.mu.Unlock()
	}
	io.Copy(io.Discard, console)
}

// ErrGone means that the machine ended while something was waited for.
var ErrGone = errors.New("the machine has ended")

// Hear waits for a line with text in it among those that no Hear has passed yet, and
// returns it. The error says what was said last.
func (m *Machine) Hear(ctx context.Context, text string, limit time.Duration) (string, error) {
	line, _, err := m.hear(ctx, text, limit)
	return line, err
}

// HearAt is Hear that returns when the line came.
func (m *Machine) HearAt(ctx context.Context, text string, limit time.Duration) (time.Time, error) {
	_, at, err := m.hear(ctx, text, limit)
	return at, err
}

func (m *Machine) hear(ctx context.Context, text string, limit time.Duration) (found string, at time.Time, err error) {
	err = m.Until(ctx, fmt.Sprintf("%s says %q", m.Name, text), limit, func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		for ; m.read < len(m.lines); m.read++ {
			if strings.Contains(m.lines[m.read], text) {
				found, at = m.lines[m.read], m.times[m.read]
				m.read++
				return true
			}
		}
		return false
	})
	return found, at, err
}

// Until waits for something that must come true.
func (m *Machine) Until(ctx context.Context, what string, limit time.Duration, is func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not within %v", limit))
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w\n%s", what, context.Cause(ctx), m.Last(15))
		case <-m.gone:
			if is() { // said at the very end
				return nil
			}
			return fmt.Errorf("%s: %w\n%s", what, ErrGone, m.Last(15))
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// Forget passes all lines that are there.
func (m *Machine) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read = len(m.lines)
}

// Since returns the lines that no Hear has passed yet.
func (m *Machine) Since() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.lines[m.read:]...)
}

// Last is the end of what was said, for people.
func (m *Machine) Last(n int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	for _, l := range m.lines[max(0, len(m.lines)-n):] {
		fmt.Fprintf(&b, "    %s: %s\n", m.Name, l)
	}
	return b.String()
}

// Gone is closed when the machine has ended.
func (m *Machine) Gone() <-chan struct{} { return m.gone }

// Kill tears the machine's plug, and waits until it is gone.
func (m *Machine) Kill() {
	m.cmd.Process.Kill()
	<-m.gone
}
