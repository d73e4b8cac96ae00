package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// event is one line of a phone's script interface.
type event struct {
	at     time.Time // when the line was read here
	Event  string    `json:"event"`
	Ext    string    `json:"extension"`
	Office string    `json:"office"`
	Node   string    `json:"node"`
	Tone   string    `json:"tone"`
	On     bool      `json:"on"`
	From   string    `json:"from"`
	ID     string    `json:"id"`
	State  string    `json:"state"`
	Peer   string    `json:"peer"`
	Cause  string    `json:"cause"`
	Status int       `json:"status"`
	Lines  []string  `json:"lines"`
	Error  string    `json:"message"`
	Hint   string    `json:"hint"`
	Sound  *struct {
		Codec     string  `json:"codec"`
		Sent      uint64  `json:"sent"`
		Received  uint64  `json:"received"`
		Lost      int64   `json:"lost"`
		Late      uint64  `json:"late"`
		Concealed uint64  `json:"concealed"`
		JitterMS  float64 `json:"jitter_ms"`
	} `json:"sound"`
}

// phone is one running process with the pipe board.
type phone struct {
	name   string
	dir    string // what it keeps
	ear    string // the WAV file of its earpiece
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	events chan event
	ended  chan struct{} // closed when the process is gone
	log    *os.File
}

// start runs the program as a phone of its own: a process, an address, a data
// directory.
func start(exe, out, name, address, mic, ear string, args ...string) (*phone, error) {
	args = append([]string{
		"run", "--data", filepath.Join(out, name), "--listen", address, "--board", "pipe", "--no-discovery",
		"--mic", mic, "--ear", ear, "--log-level", "debug",
	}, args...)
	return launch(exec.Command(exe, args...), out, name, ear)
}

// launch runs a command that is a phone with the pipe board.
func launch(cmd *exec.Cmd, out, name, ear string) (*phone, error) {
	p := &phone{
		name:   name,
		dir:    filepath.Join(out, name),
		ear:    ear,
		cmd:    cmd,
		events: make(chan event, 1024),
		ended:  make(chan struct{}),
	}
	// The phones end with the demo, however that ends.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	var err error
	if p.log, err = os.OpenFile(filepath.Join(out, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
		return nil, err
	}
	p.cmd.Stderr = p.log
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.read(stdout)
	return p, nil
}

func (p *phone) read(stdout io.Reader) {
	defer close(p.ended)
	defer p.log.Close()
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		e := event{at: time.Now()}
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		fmt.Fprintf(p.log, "%s\n", lines.Bytes())
		p.events <- e
	}
	p.cmd.Wait()
}

// do writes one command of the script interface.
func (p *phone) do(command string) (time.Time, error) {
	now := time.Now()
	if _, err := io.WriteString(p.stdin, command+"\n"); err != nil {
		return now, fmt.Errorf("phone %s took no command %q: %w\n%s", p.name, command, err, p.lastWords())
	}
	return now, nil
}

// rest puts back a handset that a tone comes from, and waits until the phone can be
// called.
func (p *phone) rest(ctx context.Context) error {
	if _, err := p.do("on"); err != nil {
		return err
	}
	_, err := p.expect(ctx, "end of the tone", soon, tone("none"))
	return err
}

// expect waits for the next event for which is returns true, passing over
// others.
func (p *phone) expect(ctx context.Context, what string, within time.Duration, is func(event) bool) (event, error) {
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	for {
		select {
		case e := <-p.events:
			if is(e) {
				return e, nil
			}
			if e.Event == "error" {
				fmt.Fprintf(os.Stderr, "phone %s: %s\n", p.name, e.Error)
			}
		case <-p.ended:
			if len(p.events) > 0 {
				continue
			}
			return event{}, fmt.Errorf("phone %s ended (%v) before %s\n%s", p.name, p.cmd.ProcessState, what, p.lastWords())
		case <-timeout.C:
			return event{}, fmt.Errorf("phone %s: no %s within %v; see %s", p.name, what, within, p.log.Name())
		case <-ctx.Done():
			return event{}, ctx.Err()
		}
	}
}

// lastWords is the end of the phone's log: where it says why it ended.
func (p *phone) lastWords() string {
	b, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-5):], "\n  ")
}

// kill ends the process as a pulled plug would.
func (p *phone) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// stop ends the process politely and returns its exit code.
func (p *phone) stop(within time.Duration) (int, error) {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(within):
		p.kill()
		return -1, fmt.Errorf("phone %s did not stop within %v", p.name, within)
	}
}
