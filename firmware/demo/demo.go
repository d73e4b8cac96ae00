// Package demo plays the office of `make demo`: real phones as real processes on
// addresses of their own, driven through the script interface, with every step
// verified. It shows what the product is for and fails when that fails.
package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"chordophone/hal"
	"chordophone/hal/wav"
)

// Speech is the sentence that is spoken when no other is given.
//
//go:embed speech.wav
var Speech []byte

// Options of the demo.
type Options struct {
	Program string // path of chordophone
	Phones  int    // how many, at least 3
	Out     string // directory for sound, logs and the phones' data
	Speech  string // WAV file to speak; empty: the one embedded
	Stdout  io.Writer
}

// first is the last octet of the first phone's address, and extension.
const (
	firstAddress   = 11
	firstExtension = 101
	office         = "demo"
)

// Run plays the demo. It returns an error when any step went wrong.
func Run(ctx context.Context, o Options) error {
	if o.Phones < 3 {
		return errors.New("the demo needs at least 3 phones")
	}
	s := &script{Options: o, timeline: timeline{w: o.Stdout, began: time.Now()}}
	defer s.end()
	if err := s.prepare(); err != nil {
		return err
	}
	for _, act := range []struct {
		title string
		play  func(context.Context) error
	}{
		{"An office is founded, phones are enrolled", s.gather},
		{"101 calls 102 and speaks; 103 calls 101 meanwhile", s.talk},
		{"101 loses power; 103 calls 102", s.lose},
		{"The rest leave the ring politely", s.leave},
	} {
		s.heading(act.title)
		if err := act.play(ctx); err != nil {
			return err
		}
	}
	s.heading(fmt.Sprintf("All %d checks passed. Sound and logs are in %s", s.checks, o.Out))
	return nil
}

// script is the demo under way.
type script struct {
	Options
	timeline
	phones []*phone // by extension, 101 first
	said   []int16  // what 101 says, at hal.Rate
}

// prepare empties the directory of what an earlier demo left, and nothing else.
func (s *script) prepare() error {
	if err := os.MkdirAll(s.Out, 0o755); err != nil {
		return err
	}
	for i := range s.Phones {
		name := strconv.Itoa(firstExtension + i)
		for _, old := range []string{name, name + ".log", name + ".wav"} {
			if err := os.RemoveAll(filepath.Join(s.Out, old)); err != nil {
				return err
			}
		}
	}
	if s.Speech == "" {
		s.Speech = filepath.Join(s.Out, "speech.wav")
		if err := os.WriteFile(s.Speech, Speech, 0o644); err != nil {
			return err
		}
	}
	said, err := wav.ReadFile(s.Speech)
	s.said = said.At(hal.Rate)
	return err
}

// gather founds the office and enrols the others, each through the one before,
// so that a newcomer needs no particular phone.
func (s *script) gather(ctx context.Context) error {
	code := func(i int) string { return fmt.Sprintf("%06d", 314159+i) }
	for i := range s.Phones {
		name := strconv.Itoa(firstExtension + i)
		args := []string{"--pairing-code", code(i)}
		what := "founds the office"
		if i == 0 {
			args = append(args, "--found", office)
		} else {
			args = append(args, "--join", code(i-1), "--peer", address(i-1))
			what = "enrols through " + s.phones[i-1].name
		}
		mic := "none"
		if i == 0 {
			mic = s.Speech
		}
		s.say(time.Now(), name, "%s", what)
		p, err := start(s.Program, s.Out, name, address(i), mic, filepath.Join(s.Out, name+".wav"), args...)
		if err != nil {
			return err
		}
		s.phones = append(s.phones, p)
		began := time.Now()
		ready, err := p.expect(ctx, "ready", 15*time.Second, func(e event) bool { return e.Event == "ready" })
		if err != nil {
			return err
		}
		s.say(ready.at, name, "ready after %v: node %.8s", ms(ready.at.Sub(began)), ready.Node)
		if err := s.check(ready.Ext == name, "%s got the next free extension: %s", name, ready.Ext); err != nil {
			return err
		}
		if err := s.check(ready.Office == office, "%s is in office %s", name, ready.Office); err != nil {
			return err
		}
	}
	return nil
}

func address(i int) string { return fmt.Sprintf("127.0.0.%d", firstAddress+i) }

// end makes sure that no process is left behind.
func (s *script) end() {
	for _, p := range s.phones {
		p.kill()
	}
}
