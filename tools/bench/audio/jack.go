package audio

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"chordophone/hal"
	"chordophone/hal/pcm"
	"chordophone/tools/bench/procs"
)

// jackRate and jackPeriod are the peer's sound card, samples.
const (
	jackRate   = 8000
	jackPeriod = 80
)

//go:embed jack/port.c
var portSource string

// soundCard is a JACK server without hardware, and the program that speaks and hears there.
type soundCard struct {
	host *procs.Host
	dir  string
	name string
	port string // that program

	server *procs.Process
}

// close lets the server put away what it shares with its clients: it takes no more than eight that have
// not.
func (c *soundCard) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c.server.Signal(syscall.SIGTERM)
	if c.server.Wait(ctx) == ctx.Err() {
		c.server.Kill()
	}
}

// newSoundCard starts the server.
func newSoundCard(ctx context.Context, host *procs.Host, dir string) (*soundCard, error) {
	c := &soundCard{host: host, dir: dir, name: fmt.Sprintf("bench%d", os.Getpid()), port: filepath.Join(dir, "port")}
	source := c.port + ".c"
	if err := os.WriteFile(source, []byte(portSource), 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, "cc", "-O1", "-o", c.port, source, "-l:libjack.so.0").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("audio: cc: %w\n%s", err, out)
	}
	cmd := exec.Command("jackd", "-R", "-P", "60", "-n", c.name, "-d", "dummy", "-r", strconv.Itoa(jackRate), "-p", strconv.Itoa(jackPeriod))
	cmd.Env = append(os.Environ(), "JACK_NO_AUDIO_RESERVATION=1")
	up := make(chan struct{})
	var once sync.Once
	var err error
	c.server, err = host.Start(cmd, func(line string) {
		if strings.Contains(line, "real-time priority") || strings.Contains(line, "driver") {
			once.Do(func() { close(up) })
		}
	})
	if err != nil {
		return nil, err
	}
	select {
	case <-up:
	case <-c.server.Ended():
		return nil, errors.New("audio: jackd ended (hint: does another one run?)")
	case <-time.After(10 * time.Second): // it may say it in other words
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return c, nil
}

// end is the mouth and the ear at one program that uses the card.
type end struct {
	*procs.Process
	recording string
	lines     chan string
}

// attach joins a mouth that says said and an ear to the program whose JACK name is client.
func (c *soundCard) attach(ctx context.Context, client string, said []int16) (*end, error) {
	speech := filepath.Join(c.dir, client+".said")
	e := &end{recording: filepath.Join(c.dir, client+".heard"), lines: make(chan string, 10)}
	if err := os.WriteFile(speech, pcm.AppendS16LE(nil, said), 0o600); err != nil {
		return nil, err
	}
	os.Remove(e.recording)
	cmd := exec.Command(c.port, c.name, client+"(-[0-9]+)?:input", client+"(-[0-9]+)?:output", speech, e.recording)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	var err error
	if e.Process, err = c.host.Start(cmd, func(l string) { e.lines <- l }); err != nil {
		return nil, err
	}
	if _, err := e.line(ctx, "ready"); err != nil {
		return nil, fmt.Errorf("audio: sound of %s: %w %s", client, err, complaint.String())
	}
	return e, nil
}

// line is the rest of the next line that begins with a word.
func (e *end) line(ctx context.Context, word string) (string, error) {
	for {
		select {
		case l := <-e.lines:
			if rest, ok := strings.CutPrefix(l, word); ok {
				return strings.TrimSpace(rest), nil
			}
		case <-e.Ended():
			if len(e.lines) == 0 {
				return "", fmt.Errorf("ended before it said %q", word)
			}
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// begin lets the mouth speak, and returns when it did.
func (e *end) begin(ctx context.Context) (time.Time, error) {
	if err := e.WriteLine("go"); err != nil {
		return time.Time{}, err
	}
	text, err := e.line(ctx, "start")
	if err != nil {
		return time.Time{}, err
	}
	at, err := strconv.ParseInt(text, 10, 64)
	return monotonic(at), err
}

// monotonic is the time at which the machine's monotonic clock showed so many nanoseconds.
func monotonic(ns int64) time.Time {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return time.Now().Add(time.Duration(ns - ts.Nano()))
}

// heard waits for the end of the recording.
func (e *end) heard(ctx context.Context) (sound []int16, xruns int, err error) {
	text, err := e.line(ctx, "done")
	if err != nil {
		return nil, 0, err
	}
	xruns, _ = strconv.Atoi(text)
	b, err := os.ReadFile(e.recording)
	return pcm.Resample(pcm.ParseS16LE(nil, b), jackRate, hal.Rate), xruns, err
}

// readNetstring reads one: "12:hello world!,".
func readNetstring(r *bufio.Reader) ([]byte, error) {
	size, err := r.ReadString(':')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(size, ":"))
	if err != nil || n < 0 || n > 1<<20 {
		return nil, fmt.Errorf("audio: %q is no netstring", size)
	}
	b := make([]byte, n+1)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	return b[:n], nil
}
