//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// phone is one telephone: a process, and what it writes into its log.
type phone struct {
	name string
	cmd  *exec.Cmd
	gone chan struct{} // closed when the process is

	mu    sync.Mutex
	lines []string
	read  int // lines that heard has passed
}

// startPhone starts the telephone with a board of its own at a loopback address.
func startPhone(name, address, board string, args ...string) (*phone, error) {
	p := &phone{name: name, gone: make(chan struct{})}
	p.cmd = exec.Command("/chordophone", append([]string{
		"run", "--data", filepath.Join("/tmp", name), "--listen", address, "--board", board, "--extension", name,
		"--no-discovery", "--dns-port", "0", "--log-level", "debug",
	}, args...)...)
	out, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.follow(out)
	return p, nil
}

func (p *phone) follow(out io.Reader) {
	s := bufio.NewScanner(out)
	for s.Scan() {
		p.mu.Lock()
		p.lines = append(p.lines, s.Text())
		p.mu.Unlock()
	}
	p.cmd.Wait()
	close(p.gone)
}

// hears waits for a line that holds text among those that no hears has passed yet.
func (p *phone) hears(text string, limit time.Duration) error {
	err := until(fmt.Sprintf("%s says %q", p.name, text), limit, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for ; p.read < len(p.lines); p.read++ {
			if strings.Contains(p.lines[p.read], text) {
				p.read++
				return true
			}
		}
		return false
	})
	if err != nil {
		p.last(20)
	}
	return err
}

// skip passes all lines that are there.
func (p *phone) skip() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = len(p.lines)
}

// moved are the movements that the telephone was told of since the last skip.
func (p *phone) moved() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, l := range p.lines[p.read:] {
		_, ev, ok := strings.Cut(l, "msg=phone event=")
		ev = strings.Trim(ev, `"`)
		if ok && (ev == "on" || ev == "off" || strings.HasPrefix(ev, "down ") || strings.HasPrefix(ev, "up ")) {
			all = append(all, ev)
		}
	}
	return all
}

// tells prints what the log says of something.
func (p *phone) tells(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		if strings.Contains(l, text) {
			fmt.Println("    ", p.name, l)
		}
	}
}

// last prints the end of the log.
func (p *phone) last(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines[max(0, len(p.lines)-n):] {
		fmt.Println("    ", p.name, l)
	}
}

// effort is what the process has cost so far.
type effort struct {
	wakes int           // of all its threads
	cpu   time.Duration // user and kernel
}

// clockTicks is the kernel's USER_HZ.
const clockTicks = 100

func (p *phone) effort() effort {
	var e effort
	dir := fmt.Sprintf("/proc/%d", p.cmd.Process.Pid)
	statuses, _ := filepath.Glob(dir + "/task/*/status")
	for _, s := range statuses {
		b, _ := os.ReadFile(s)
		for line := range strings.Lines(string(b)) {
			var n int
			if _, err := fmt.Sscanf(line, "voluntary_ctxt_switches: %d", &n); err == nil {
				e.wakes += n
			}
		}
	}
	b, _ := os.ReadFile(dir + "/stat")
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest) // from the third of proc_pid_stat(5)
	if len(fields) > 12 {
		var user, kernel int
		fmt.Sscan(fields[11], &user)
		fmt.Sscan(fields[12], &kernel)
		e.cpu = time.Duration(user+kernel) * time.Second / clockTicks
	}
	return e
}

// end tells the telephone to end, and waits for it.
func (p *phone) end() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case <-p.gone:
		return nil
	case <-time.After(patience):
		p.last(15)
		return fmt.Errorf("%s does not end", p.name)
	}
}
