package audio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"chordophone/hal"
	"chordophone/tools/bench/procs"
)

// phone is one of ours, with the pipe board and a handset of the bench's.
type phone struct {
	*procs.Process
	name    string // as a program
	number  string
	log     string
	events  chan event
	handset *handset
}

// event is what a measurement needs of a line of the pipe board.
type event struct {
	Event string     `json:"event"`
	State string     `json:"state"`
	On    bool       `json:"on"`
	Sound *hal.Sound `json:"sound"`
}

const (
	pairingCode = "271828"
	domain      = "office.test"
	trusted     = "10.77.0.0/24"
)

// startOffice starts two phones on each side: 101 and 102, and, with packets of 10 ms, 103 and
// 104.
func startOffice(ctx context.Context, net *network, exe, dir string, urgent []string) (phones [4]*phone, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for i := range phones {
		p := &phone{name: ours, number: fmt.Sprint(101 + i), log: filepath.Join(dir, fmt.Sprintf("phone-%d.log", i+1)), events: make(chan event, 1000)}
		phones[i] = p
		socket := filepath.Join(dir, fmt.Sprintf("handset-%d", i+1))
		if p.handset, err = newHandset(socket); err != nil {
			return phones, err
		}
		args := append(urgent[:len(urgent):len(urgent)], exe, "run", "--data", filepath.Join(dir, fmt.Sprintf("phone-%d", i+1)),
			"--listen", ourAddress(i), "--board", "pipe", "--no-discovery", "--trust", trusted, "--log-level", "warn",
			"--dns-port", "0", "--mic", "unix:"+socket, "--ear", "unix:"+socket)
		if i >= 2 {
			p.name = quick
			args = append(args, "--packet-time", "10")
		}
		if i == 0 {
			args = append(args, "--found", domain, "--pairing-code", pairingCode)
		} else {
			args = append(args, "--join", pairingCode, "--peer", ourAddress(0))
		}
		log, err := os.Create(p.log)
		if err != nil {
			return phones, err
		}
		defer log.Close() // the phone has its own
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Stderr = log
		var up sync.WaitGroup // the first line may come before Start has returned
		up.Add(1)
		p.Process, err = net.sides[i%2].Start(cmd, func(line string) {
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
			return phones, err
		}
		if _, err := p.wait(ctx, "ready", func(e event) bool { return e.Event == "ready" }); err != nil {
			return phones, err
		}
	}
	return phones, nil
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
			return event{}, p.explain(fmt.Errorf("phone %s ended while it was waited for: %s", p.number, what))
		case <-ctx.Done():
			return event{}, p.explain(fmt.Errorf("phone %s: waited for %s: %w", p.number, what, ctx.Err()))
		}
	}
}

// explain adds the end of the log.
func (p *phone) explain(err error) error {
	text, rerr := os.ReadFile(p.log)
	if rerr != nil {
		return err
	}
	return errors.Join(err, errors.New(strings.TrimSpace(string(text[max(0, len(text)-1000):]))))
}

func rings(e event) bool     { return e.Event == "ring" && e.On }
func connected(e event) bool { return e.Event == "call" && e.State == "connected" }
func ended(e event) bool     { return e.Event == "call" && e.State == "ended" }

// answer lifts the handset when it rings.
func (p *phone) answer(ctx context.Context) error {
	if _, err := p.wait(ctx, "the bell", rings); err != nil {
		return err
	}
	if err := p.WriteLine("off"); err != nil {
		return err
	}
	_, err := p.wait(ctx, "the call", connected)
	return err
}

// hangUp puts the handset back, and returns what was heard if a call was on.
func (p *phone) hangUp(ctx context.Context) (hal.Sound, error) {
	if err := p.WriteLine("on"); err != nil {
		return hal.Sound{}, err
	}
	e, err := p.wait(ctx, "the end of the call", ended)
	if err != nil || e.Sound == nil {
		return hal.Sound{}, err
	}
	return *e.Sound, nil
}

// forget drops what was not waited for.
func (p *phone) forget() {
	for len(p.events) > 0 {
		<-p.events
	}
}
