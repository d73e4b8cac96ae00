package sip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"chordophone/tools/bench/procs"
)

// capture is tcpdump at work on the loopback interface.
type capture struct {
	path string
	proc *procs.Process
	said *said
}

// said collects what a program writes to its standard error.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// startCapture captures what a filter lets through, from when it returns.
func startCapture(ctx context.Context, host *procs.Host, path, filter string) (*capture, error) {
	c := &capture{path: path, said: new(said)}
	cmd := exec.Command("tcpdump", "-i", "lo", "-s", "1600", "-B", "16384", "-n", "-w", path, "-Z", "root", filter)
	cmd.Stderr = c.said
	var err error
	if c.proc, err = host.Start(cmd, func(string) {}); err != nil {
		return nil, err
	}
	for !strings.Contains(c.said.String(), "listening on") {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.proc.Ended():
			return nil, fmt.Errorf("tcpdump: %s", strings.TrimSpace(c.said.String()))
		case <-time.After(10 * time.Millisecond):
		}
	}
	return c, nil
}

// read ends the capture and calls visit with all that it caught. An error says,
// too, that the kernel had to drop packets.
func (c *capture) read(ctx context.Context, visit func(packet)) error {
	time.Sleep(1200 * time.Millisecond) // libpcap hands over what it has once a second
	c.proc.Signal(syscall.SIGINT)
	c.proc.Wait(ctx)
	f, err := os.Open(c.path)
	if err != nil {
		return err
	}
	defer f.Close()
	err = readPcap(f, visit)
	if text := c.said.String(); strings.Contains(text, " dropped by kernel") && !strings.Contains(text, "\n0 packets dropped by kernel") {
		err = errors.Join(err, fmt.Errorf("capture %s is not whole: %s", c.path, strings.TrimSpace(text[strings.LastIndexByte(strings.TrimSpace(text), '\n')+1:])))
	}
	return err
}
