package procs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxLine bounds a line of output.
const maxLine = 1 << 20

// Process is one process of a Host.
type Process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	ended chan struct{} // closed when it is gone
	err   error         // how, once ended is closed
}

// collect reads the output to its end and then waits for the process.
func (p *Process) collect(out io.Reader, line func(string)) {
	s := bufio.NewScanner(out)
	s.Buffer(nil, maxLine)
	for s.Scan() {
		line(s.Text())
	}
	io.Copy(io.Discard, out) // after a line that was too long
	p.err = p.cmd.Wait()
	close(p.ended)
}

// WriteLine gives the process a line of input.
func (p *Process) WriteLine(s string) error {
	_, err := io.WriteString(p.in, s+"\n")
	return err
}

// Signal sends a signal; to a process that has ended it does nothing.
func (p *Process) Signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Kill is a pulled plug.
func (p *Process) Kill() error { return p.Signal(syscall.SIGKILL) }

// Ended is closed when the process is gone.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Wait waits until the process is gone. The error says how it ended.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.ended:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Usage is what a process has cost.
type Usage struct {
	CPU time.Duration // user and system
	RSS uint64        // resident memory now, octets
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Usage reads the kernel's account of the process.
func (p *Process) Usage() (Usage, error) { return UsageOf(p.PID()) }

// UsageOf reads the kernel's account of any process, all its threads together.
func UsageOf(pid int) (Usage, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Usage{}, err
	}
	return parseStat(string(stat))
}

// clockTick is the unit of processor time in /proc: USER_HZ, which is 100 on
// every architecture that Go knows.
const clockTick = time.Second / 100

// parseStat reads /proc/PID/stat. // proc(5)
func parseStat(text string) (Usage, error) {
	// The name in parentheses may hold anything.
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(f) < 22 {
		return Usage{}, fmt.Errorf("procs: stat has %d fields", len(f))
	}
	var n [3]uint64
	for i, at := range [...]int{11, 12, 21} { // utime, stime, rss
		var err error
		if n[i], err = strconv.ParseUint(f[at], 10, 64); err != nil {
			return Usage{}, fmt.Errorf("procs: stat: %w", err)
		}
	}
	return Usage{
		CPU: time.Duration(n[0]+n[1]) * clockTick,
		RSS: n[2] * uint64(os.Getpagesize()),
	}, nil
}
