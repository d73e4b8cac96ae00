package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"chordophone/hal"
	"chordophone/hal/wav"
)

// Interact runs the same office for a person: phone 101 has this terminal, 102
// answers with an echo, 103 with the sentence. What the phones keep stays in
// o.Out, so the office is the same one the next time; so does what 101 heard.
func Interact(ctx context.Context, o Options) error {
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return err
	}
	if o.Speech == "" {
		o.Speech = filepath.Join(o.Out, "speech.wav")
		if err := os.WriteFile(o.Speech, Speech, 0o644); err != nil {
			return err
		}
	}
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	colleagues := make(chan error, 1)
	go func() { colleagues <- answerCalls(ctx, o) }()

	mine := exec.CommandContext(ctx, o.Program, "run", "--board", "term", "--no-discovery",
		"--data", filepath.Join(o.Out, "101"), "--listen", address(0), "--found", office,
		"--ear", filepath.Join(o.Out, "101.wav"), "--pairing-code", code, "--peer", address(1), "--peer", address(2))
	mine.Stdin, mine.Stdout, mine.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := mine.Run()
	hangUp()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = fmt.Errorf("phone 101 ended with exit code %d", exit.ExitCode())
	}
	return errors.Join(err, <-colleagues)
}

// code lets the colleagues into the office the first time.
const code = "314159"

// answerCalls runs 102 and 103 until ctx is cancelled.
func answerCalls(ctx context.Context, o Options) error {
	if !awake(ctx, net.JoinHostPort(address(0), "6084")) {
		return nil
	}
	mic, ear, err := echo(ctx, o.Out)
	if err != nil {
		return err
	}
	said, err := wav.ReadFile(o.Speech)
	if err != nil {
		return err
	}
	sentence := length(said.At(hal.Rate))
	for i, c := range []struct {
		mic, ear string
		talks    time.Duration // 0: until the caller hangs up
	}{{mic, ear, 0}, {o.Speech, "none", sentence + time.Second}} {
		name := strconv.Itoa(firstExtension + 1 + i)
		p, err := start(o.Program, o.Out, name, address(1+i), c.mic, c.ear, "--join", code, "--peer", address(0))
		if err != nil {
			return err
		}
		defer p.stop(soon)
		if _, err := p.expect(ctx, "ready", 15*time.Second, func(e event) bool { return e.Event == "ready" }); err != nil {
			return err
		}
		go p.attend(ctx, c.talks)
	}
	<-ctx.Done()
	return nil
}

// awake waits until somebody listens at addr.
func awake(ctx context.Context, addr string) bool {
	for ctx.Err() == nil {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return true
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return false
}

// attend answers each call after two rings and hangs up after a while.
func (p *phone) attend(ctx context.Context, talks time.Duration) {
	var then <-chan time.Time
	next := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.ended:
			return
		case e := <-p.events:
			switch {
			case rings(e):
				then, next = time.After(2*time.Second), "off"
			case state("connected")(e) && talks > 0:
				then, next = time.After(talks), "on"
			case state("ended")(e):
				then, next = time.After(time.Second), "on"
			}
		case <-then:
			then = nil
			p.do(next)
		}
	}
}

// echo is a mouth that says what the ear heard: two sockets for --mic and --ear.
func echo(ctx context.Context, dir string) (mic, ear string, err error) {
	var ends [2]net.Listener
	for i, name := range []string{"mic", "ear"} {
		path := filepath.Join(dir, name+".sock")
		if err := os.RemoveAll(path); err != nil {
			return "", "", err
		}
		if ends[i], err = net.Listen("unix", path); err != nil {
			return "", "", err
		}
		context.AfterFunc(ctx, func() { ends[i].Close() })
	}
	go func() {
		for {
			mouth, err := ends[0].Accept()
			if err != nil {
				return
			}
			sound, err := ends[1].Accept()
			if err != nil {
				return
			}
			io.Copy(mouth, sound)
			mouth.Close()
			sound.Close()
		}
	}()
	return "unix:" + ends[0].Addr().String(), "unix:" + ends[1].Addr().String(), nil
}
