package sip

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"chordophone/tools/bench/procs"
)

// pairingCode lets the second phone into the office of the first.
const pairingCode = "271828"

// phone is one of ours, with the pipe board.
type phone struct {
	*procs.Process
	events chan event
}

// event is what a measurement needs of a line of the pipe board.
type event struct {
	Event     string `json:"event"`
	Extension string `json:"extension"`
	State     string `json:"state"`
	On        bool   `json:"on"`
	Sound     *sound `json:"sound"`
}

// sound is what a phone says of a call that it has heard.
type sound struct {
	Received  uint64 `json:"received"`
	Lost      int64  `json:"lost"`
	Late      uint64 `json:"late"`
	Concealed uint64 `json:"concealed"`
}

// wait reads events until one is right.
func (p *phone) wait(ctx context.Context, what string, right func(event) bool) (event, error) {
	for {
		select {
		case e := <-p.events:
			if right(e) {
				return e, nil
			}
		case <-p.Ended():
			return event{}, fmt.Errorf("phone ended while it was waited for: %s", what)
		case <-ctx.Done():
			return event{}, fmt.Errorf("waited for %s: %w", what, ctx.Err())
		}
	}
}

// officeOptions say what office to start.
type officeOptions struct {
	exe, dir string
	name     string
	domain   string
	addrs    []netip.Addr
	accounts []string
	speech   string // WAV file of the microphone; may be empty
}

// startOffice starts an office of phones and waits until the last has all accounts.
func startOffice(ctx context.Context, host *procs.Host, o officeOptions) (*target, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	t := &target{name: o.name, entry: o.addrs[0], home: o.addrs[len(o.addrs)-1]}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return t, err
	}
	for i, a := range o.addrs {
		dir := filepath.Join(o.dir, fmt.Sprintf("phone-%d", i+1))
		args := []string{"run", "--data", dir, "--listen", a.String(), "--board", "pipe", "--no-discovery",
			"--trust", trusted, "--log-level", "warn", "--dns-port", "0"}
		if i == 0 {
			args = append(args, "--found", o.domain, "--pairing-code", pairingCode)
			for _, u := range o.accounts {
				args = append(args, "--account", u+":bench-"+u)
			}
		} else {
			args = append(args, "--join", pairingCode, "--peer", o.addrs[0].String())
		}
		if o.speech != "" {
			args = append(args, "--mic", o.speech, "--ear", filepath.Join(o.dir, fmt.Sprintf("heard-%d.wav", i+1)))
		}
		cmd := exec.Command(o.exe, args...)
		t.log = filepath.Join(o.dir, "log")
		log, err := os.OpenFile(t.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return t, err
		}
		defer log.Close() // the phone has its own
		cmd.Stderr = log
		p := &phone{events: make(chan event, 1000)}
		var up sync.WaitGroup // the first line may come before Start has returned
		up.Add(1)
		p.Process, err = host.Start(cmd, func(line string) {
			up.Wait()
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				return
			}
			select {
			case p.events <- e:
			default: // nobody listens
			}
		})
		up.Done()
		if err != nil {
			return t, err
		}
		t.procs, t.phones = append(t.procs, p.Process), append(t.phones, p)
		if _, err := p.wait(ctx, "ready", func(e event) bool { return e.Event == "ready" }); err != nil {
			return t, t.explain(err)
		}
	}
	return t, nil
}

// explain adds the end of a target's log to an error.
func (t *target) explain(err error) error {
	text, rerr := os.ReadFile(t.log)
	if err == nil || rerr != nil {
		return err
	}
	return errors.Join(err, errors.New(strings.TrimSpace(string(text[max(0, len(text)-1000):]))))
}
