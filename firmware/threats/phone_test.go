package threats

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"chordophone/tools/built"
)

// program is the binary under attack, built anew.
var program string

func TestMain(m *testing.M) {
	os.Exit(built.Run(m, "chordophone/firmware/cmd/chordophone", &program))
}

// soon is how long what should happen at once may take on a machine that is busy.
const soon = 20 * time.Second

// event is one line of the script interface.
type event struct {
	Event, State, Cause, From, Message string
	On                                 bool
	Status                             int
	Lines                              []string
	Sound                              *struct {
		Received        uint64
		Lost            int64
		Late, Concealed uint64
	}
}

// phone is a process with the pipe board.
type phone struct {
	t      testing.TB
	dir    string
	ip     string
	ear    string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	events chan event
	ended  chan struct{}
	log    string
}

// start runs a phone at 127.0.41.host and waits until it can be called.
func start(t testing.TB, dir string, host int, args ...string) *phone {
	t.Helper()
	p := launch(t, dir, host, args...)
	p.expect("ready", func(e event) bool { return e.Event == "ready" })
	return p
}

// launch runs a phone that may never be ready.
func launch(t testing.TB, dir string, host int, args ...string) *phone {
	t.Helper()
	p := &phone{t: t, dir: filepath.Join(dir, fmt.Sprint(host)), ip: fmt.Sprintf("127.0.41.%d", host),
		events: make(chan event, 65536), ended: make(chan struct{})}
	p.ear = filepath.Join(dir, fmt.Sprint(host, ".wav"))
	p.log = filepath.Join(dir, fmt.Sprint(host, ".log"))
	p.cmd = exec.Command(program, append([]string{"run", "--data", p.dir, "--listen", p.ip, "--board", "pipe", "--no-discovery",
		"--mic", "none", "--ear", p.ear, "--dns-port", "10053"}, args...)...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.cmd.Stderr = log
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var e event
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				select {
				case p.events <- e:
				default:
				}
			}
		}
		p.cmd.Wait()
	}()
	t.Cleanup(p.stop)
	return p
}

// found runs the only phone of an office, 101, with these accounts; their passwords
// are "secret-" and the name.
func found(t testing.TB, host int, accounts ...string) *phone {
	t.Helper()
	return start(t, t.TempDir(), host, foundArgs("office", accounts...)...)
}

func foundArgs(office string, accounts ...string) []string {
	args := []string{"--found", office, "--pairing-code", "314159"}
	for _, a := range accounts {
		args = append(args, "--account", a+":secret-"+a)
	}
	return args
}

// stop ends the process as a script would, or else by force.
func (p *phone) stop() {
	io.WriteString(p.stdin, "quit\n")
	select {
	case <-p.ended:
	case <-time.After(soon):
		p.cmd.Process.Kill()
		<-p.ended
	}
}

func (p *phone) do(commands ...string) {
	for _, c := range commands {
		io.WriteString(p.stdin, c+"\n")
	}
}

// expect waits for an event, passing over others.
func (p *phone) expect(what string, is func(event) bool) event {
	p.t.Helper()
	timer := time.NewTimer(soon)
	defer timer.Stop()
	for {
		select {
		case e := <-p.events:
			if is(e) {
				return e
			}
		case <-p.ended:
			text, _ := os.ReadFile(p.log)
			p.t.Fatalf("the phone ended before %s:\n%s", what, text[max(0, len(text)-3000):])
		case <-timer.C:
			p.t.Fatalf("no %s within %v", what, soon)
		}
	}
}

// seen counts events that have come until now, and forgets them.
func (p *phone) seen(is func(event) bool) (n int) {
	for {
		select {
		case e := <-p.events:
			if is(e) {
				n++
			}
		default:
			return n
		}
	}
}

func rings(e event) bool      { return e.Event == "ring" && e.On }
func connected(e event) bool  { return e.Event == "call" && e.State == "connected" }
func callEnded(e event) bool  { return e.Event == "call" && e.State == "ended" }
func (p *phone) addr() string { return p.ip + ":5060" }
func (p *phone) alive() bool  { return !closed(p.ended) }
func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// memory is the resident set, octets.
func (p *phone) memory() int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var kb int
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	p.t.Fatal("no VmRSS")
	return 0
}
