// Package telephone starts this project's telephones, with the pipe board, for those
// parts of the measurements in which they call, and hears what they say.
package telephone

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"chordophone/hal"
	"chordophone/tools/bench/procs"
)

// pairingCode lets the others into the office of the first.
const pairingCode = "271828"

// Config says what telephone to start.
type Config struct {
	Program []string // what it is, behind what runs it
	Data    string   // its directory
	Log     string   // file behind whose end it writes
	Listen  string   // its address
	Trust   string   // the network whose clients need no password
	Found   string   // domain of the office that it founds, or
	Peer    string   // the address of the one that did
	More    []string // further arguments
}

// command is how it is started, its log left out.
func (c Config) command() *exec.Cmd {
	args := append(c.Program[1:len(c.Program):len(c.Program)], "run", "--data", c.Data, "--listen", c.Listen, "--board", "pipe",
		"--no-discovery", "--trust", c.Trust, "--log-level", "warn", "--dns-port", "0")
	if c.Found != "" {
		args = append(args, "--found", c.Found, "--pairing-code", pairingCode)
	} else {
		args = append(args, "--join", pairingCode, "--peer", c.Peer)
	}
	return exec.Command(c.Program[0], append(args, c.More...)...)
}

// Phone is a telephone that runs.
type Phone struct {
	*procs.Process
	at     string
	events chan event
}

// event is what a measurement needs of a line of the pipe board.
type event struct {
	Event string     `json:"event"`
	State string     `json:"state"`
	On    bool       `json:"on"`
	Sound *hal.Sound `json:"sound"`
}

func (e event) ready() bool     { return e.Event == "ready" }
func (e event) rings() bool     { return e.Event == "ring" && e.On }
func (e event) connected() bool { return e.Event == "call" && e.State == "connected" }
func (e event) ended() bool     { return e.Event == "call" && e.State == "ended" }

// Start starts a telephone and waits until it is ready; one that does not become so is
// killed.
func Start(ctx context.Context, host *procs.Host, c Config) (*Phone, error) {
	log, err := os.OpenFile(c.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the telephone has its own
	cmd := c.command()
	cmd.Stderr = log
	p := &Phone{at: c.Listen, events: make(chan event, 1000)}
	if p.Process, err = host.Start(cmd, p.hear); err != nil {
		return nil, err
	}
	if _, err := p.wait(ctx, "ready", event.ready); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// hear takes a line of its output.
func (p *Phone) hear(line string) {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil {
		return
	}
	select {
	case p.events <- e:
	default: // nobody listens
	}
}

// wait reads events until one is right.
func (p *Phone) wait(ctx context.Context, what string, right func(event) bool) (event, error) {
	for {
		select {
		case e := <-p.events:
			if right(e) {
				return e, nil
			}
		case <-p.Ended():
			return event{}, fmt.Errorf("telephone at %s ended while it was waited for: %s", p.at, what)
		case <-ctx.Done():
			return event{}, fmt.Errorf("telephone at %s: waited for %s: %w", p.at, what, ctx.Err())
		}
	}
}

// Forget drops what was not waited for.
func (p *Phone) Forget() {
	for len(p.events) > 0 {
		<-p.events
	}
}

// Dial lifts the handset and dials.
func (p *Phone) Dial(number string) error {
	if err := p.WriteLine("off"); err != nil {
		return err
	}
	return p.WriteLine("keys " + number + "#")
}

// Answer lifts the handset when it rings, and waits for the call.
func (p *Phone) Answer(ctx context.Context) error {
	if _, err := p.wait(ctx, "the bell", event.rings); err != nil {
		return err
	}
	if err := p.WriteLine("off"); err != nil {
		return err
	}
	return p.Connected(ctx)
}

// Connected waits until a call is on.
func (p *Phone) Connected(ctx context.Context) error {
	_, err := p.wait(ctx, "the call", event.connected)
	return err
}

// HangUp puts the handset back.
func (p *Phone) HangUp() error { return p.WriteLine("on") }

// Heard waits for the end of the call and returns how it sounded; nothing if it was never on.
func (p *Phone) Heard(ctx context.Context) (hal.Sound, error) {
	e, err := p.wait(ctx, "the end of the call", event.ended)
	if err != nil || e.Sound == nil {
		return hal.Sound{}, err
	}
	return *e.Sound, nil
}
