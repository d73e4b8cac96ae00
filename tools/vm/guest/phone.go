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

	"chordophone/tools/vm/measure"
)

// phone is one telephone: a process, and what it writes into its log.
type phone struct {
	name string
	cmd  *exec.Cmd
	gone chan struct{} // closed when the process is

	mu    sync.Mutex
	lines []said
	read  int // lines that hears has passed
}

// said is a line of the log, and when it was written.
type said struct {
	at   time.Time
	text string
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
		p.lines = append(p.lines, said{time.Now(), s.Text()})
		p.mu.Unlock()
	}
	p.cmd.Wait()
	close(p.gone)
}

// hears waits for a line that holds text among those that no hears has passed yet.
func (p *phone) hears(text string, limit time.Duration) error {
	_, err := p.hearsAt(text, limit)
	return err
}

// hearsAt is hears that returns when the line came.
func (p *phone) hearsAt(text string, limit time.Duration) (at time.Time, err error) {
	err = until(fmt.Sprintf("%s says %q", p.name, text), limit, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for ; p.read < len(p.lines); p.read++ {
			if l := p.lines[p.read]; strings.Contains(l.text, text) {
				p.read++
				at = l.at
				return true
			}
		}
		return false
	})
	if err != nil {
		p.last(20)
	}
	return at, err
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
		_, ev, ok := strings.Cut(l.text, "msg=phone event=")
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
		if strings.Contains(l.text, text) {
			fmt.Println("    ", p.name, l.text)
		}
	}
}

// last prints the end of the log.
func (p *phone) last(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines[max(0, len(p.lines)-n):] {
		fmt.Println("    ", p.name, l.text)
	}
}

// effort is what the process has cost so far.
func (p *phone) effort() (measure.Effort, error) { return measure.Of(p.cmd.Process.Pid) }

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
