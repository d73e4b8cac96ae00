//go:build interop

package interop

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// feed is a growing list that a script reads forward.
type feed[T any] struct {
	mu    sync.Mutex
	items []T
	next  int           // the first item not yet passed over
	grown chan struct{} // closed and replaced when items grows or ends
	over  bool          // nothing more will come
}

func newFeed[T any]() *feed[T] { return &feed[T]{grown: make(chan struct{})} }

func (f *feed[T]) put(item T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.items = append(f.items, item)
	close(f.grown)
	f.grown = make(chan struct{})
}

func (f *feed[T]) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	close(f.grown)
	f.grown = make(chan struct{})
}

// wait passes over items up to the first for which is returns true.
func (f *feed[T]) wait(within time.Duration, is func(T) bool) (item T, found bool) {
	timeout := time.After(within)
	for {
		f.mu.Lock()
		for f.next < len(f.items) {
			item = f.items[f.next]
			f.next++
			if is(item) {
				f.mu.Unlock()
				return item, true
			}
		}
		grown, over := f.grown, f.over
		f.mu.Unlock()
		if over {
			return item, false
		}
		select {
		case <-grown:
		case <-timeout:
			return item, false
		}
	}
}

// skip passes over all that is there.
func (f *feed[T]) skip() {
	f.mu.Lock()
	f.next = len(f.items)
	f.mu.Unlock()
}

// count says how many of all items, passed over or not, are such.
func (f *feed[T]) count(is func(T) bool) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, item := range f.items {
		if is(item) {
			n++
		}
	}
	return n
}

// process is a running program and what it says on stdout and stderr.
type process struct {
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *feed[string]
	log   string        // the file that lines also go to
	ended chan struct{} // closed when the program is gone
}

// colours that some programs paint their words with.
var colours = regexp.MustCompile("\x1b\\[?[0-9;]*m|\\[;m")

// start runs cmd; all it says goes to the file log too. If separate is not nil, the
// lines of stdout go there only.
func start(name string, cmd *exec.Cmd, log string, separate func(line []byte)) (*process, error) {
	p := &process{name: name, cmd: cmd, lines: newFeed[string](), log: log, ended: make(chan struct{})}
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	// The programs end with the test, however that ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var readers sync.WaitGroup
	var writing sync.Mutex
	read := func(from io.Reader, to func([]byte)) {
		defer readers.Done()
		lines := bufio.NewReader(from)
		for {
			line, err := lines.ReadBytes('\n')
			if len(line) > 0 {
				writing.Lock()
				file.Write(line)
				writing.Unlock()
				to(line)
			}
			if err != nil {
				return
			}
		}
	}
	plain := func(line []byte) {
		p.lines.put(strings.TrimRight(colours.ReplaceAllString(string(line), ""), "\r\n"))
	}
	if separate == nil {
		separate = plain
	}
	readers.Add(2)
	go read(stdout, separate)
	go read(stderr, plain)
	go func() {
		readers.Wait()
		cmd.Wait()
		file.Close()
		p.lines.end()
		close(p.ended)
	}()
	return p, nil
}

// write hands the program a line on its stdin.
func (p *process) write(line string) { io.WriteString(p.stdin, line+"\n") }

// tail is the last lines of the log, those with one of the words if there are any.
func (p *process) tail(n int, words ...string) string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	var lines []string
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(colours.ReplaceAllString(line, ""), "\r\n")
		if line != "" && (len(words) == 0 || containsAny(line, words)) {
			lines = append(lines, line)
		}
	}
	lines = lines[max(0, len(lines)-n):]
	return fmt.Sprintf("--- %s (%s)\n    %s", p.name, p.log, strings.Join(lines, "\n    "))
}

func containsAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// kill ends the program as a pulled plug would.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// stop ends the program politely, and if it will not, by force.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(3 * time.Second):
		p.kill()
	}
}
