package appliance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"chordophone/firmware/appliance/beat"
	"chordophone/firmware/appliance/guard"
)

// self is the program, whatever file it came from.
const self = "/proc/self/exe"

// program is one of the two programs while it runs.
type program struct {
	pid  int
	line *net.UnixConn
}

// start starts a program. What it writes goes to log line by line, and what it tells to
// heard, until it ends; heard must not block for long.
func start(name string, args, env []string, log func(string), heard func(beat.Message)) (*program, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	line, end, err := beat.Pair()
	if err != nil {
		r.Close()
		return nil, err
	}
	defer end.Close()
	attr := &os.ProcAttr{
		Dir:   "/",
		Env:   append([]string{"PATH=/", "HOME=" + memoryDir, "GOTRACEBACK=all", beat.Variable + "=3"}, env...),
		Files: []*os.File{null, w, w, end},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	}
	p, err := os.StartProcess(self, append([]string{name}, args...), attr)
	if err != nil {
		r.Close()
		line.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	pid := p.Pid
	p.Release() // all that end are reaped in one place
	go lines(r, log)
	go hear(line, heard)
	return &program{pid: pid, line: line}, nil
}

// maxLine is how much of a line of the log is kept.
const maxLine = 4 << 10

// lines passes on what comes, line by line, until all have closed the pipe.
func lines(r io.ReadCloser, log func(string)) {
	defer r.Close()
	b := bufio.NewReaderSize(r, maxLine)
	for {
		text, more, err := b.ReadLine()
		if err != nil {
			return
		}
		log(string(text))
		for more && err == nil { // the rest of a line that is too long
			_, more, err = b.ReadLine()
		}
	}
}

// hear passes on what a program tells until it ends.
func hear(line *net.UnixConn, heard func(beat.Message)) {
	defer line.Close()
	for {
		m, err := beat.Receive(line)
		switch {
		case err == nil:
			heard(m)
		case !errors.Is(err, beat.ErrBad):
			return
		}
	}
}

// end sends a program a signal.
func (p *program) end(s guard.Signal) {
	sig := map[guard.Signal]unix.Signal{guard.Term: unix.SIGTERM, guard.Quit: unix.SIGQUIT, guard.Kill: unix.SIGKILL}[s]
	unix.Kill(p.pid, sig) // gone already is what was wanted
}

// reaped is a process that has ended.
type reaped struct {
	pid  int
	code int // -1: by a signal
}

// reap collects all processes that have ended, whoever started them.
func reap() (all []reaped) {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return all
		}
		all = append(all, reaped{pid, status.ExitStatus()})
	}
}

// sshPort is where people look for a machine's console.
const sshPort = "22"

// telephoneArgs is the telephone's command line.
func telephoneArgs(data string, safe bool) []string {
	args := []string{"run", "--data", data, "--ssh-port", sshPort}
	if safe {
		args = append(args, "--config", os.DevNull)
	}
	if path := filepath.Join(data, boardFile); regular(path) && !safe {
		args = append(args, "--board", path)
	}
	return args
}
