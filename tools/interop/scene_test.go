//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// soon is how long what should happen at once may take before it is called missing:
// generous, for the machine may be busy with other things.
const soon = 20 * time.Second

// office is what clients register at and call through.
type office interface {
	name() string
	// at is the address of server i, counted from 0; an office of one server has one
	// address for all.
	at(i int) string
	// words are the last lines of the servers' logs about these users.
	words(users []string) string
}

// scene is one trial under way: its programs, users and hosts. Its methods, and those
// of the programs, end the trial when something is missing.
type scene struct {
	office
	title string
	dir   string // for the files of this trial
	users []string
	run   []*process
	undo  []func()
	found string  // what the table says beside "ok"
	g711  bool    // clients are to speak nothing else
	worst float64 // the least likeness of what was heard
	err   error
}

// failf ends the trial.
func (s *scene) failf(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
	runtime.Goexit()
}

// must ends the trial if err is an error.
func (s *scene) must(err error) {
	if err != nil {
		s.failf("%w", err)
	}
}

// host leases a host until the trial ends.
func (s *scene) host() *host {
	select {
	case h := <-network.free:
		s.undo = append(s.undo, func() { network.free <- h })
		s.must(h.move())
		return h
	case <-time.After(60 * time.Second):
		s.failf("no host is free on the test's network")
		return nil
	}
}

// user is an account of the office that no other trial uses.
func (s *scene) user() string {
	select {
	case u := <-users:
		s.users = append(s.users, u)
		return u
	default:
		s.failf("the office has no more accounts: raise the number of them")
		return ""
	}
}

// start runs a program that ends with the trial.
func (s *scene) start(name string, h *host, separate func([]byte), program string, args ...string) *process {
	return s.startIn(s.dir, name, h, separate, program, args...)
}

// startIn does so in a directory: some programs know only short names of files.
func (s *scene) startIn(dir, name string, h *host, separate func([]byte), program string, args ...string) *process {
	cmd := h.command(program, args...)
	cmd.Dir = dir
	p, err := start(name, cmd, filepath.Join(s.dir, name+".log"), separate)
	s.must(err)
	s.run = append(s.run, p)
	s.undo = append(s.undo, p.kill)
	return p
}

// file writes a file of this trial and returns its path.
func (s *scene) file(name, text string) string {
	path := filepath.Join(s.dir, name)
	s.must(os.MkdirAll(filepath.Dir(path), 0o755))
	s.must(os.WriteFile(path, []byte(text), 0o644))
	return path
}

// eventually asks again until the answer is no error.
func (s *scene) eventually(what string, within time.Duration, ask func() error) {
	for deadline := time.Now().Add(within); ; {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.failf("no %s within %v: %v", what, within, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// note adds to what the table says of this trial.
func (s *scene) note(format string, args ...any) {
	if s.found != "" {
		s.found += "; "
	}
	s.found += fmt.Sprintf(format, args...)
}

var unsafe = regexp.MustCompile(`[^A-Za-z0-9]+`)

// play runs a script with one office.
func play(title string, o office, script func(*scene)) *scene {
	s := &scene{office: o, title: title}
	s.dir = filepath.Join(output, o.name(), strings.Trim(unsafe.ReplaceAllString(title, "-"), "-"))
	os.RemoveAll(s.dir)
	if s.err = os.MkdirAll(s.dir, 0o755); s.err != nil {
		return s
	}
	done := make(chan struct{})
	go func() { // an own goroutine, so that failf can end it from anywhere
		defer close(done)
		defer func() {
			if s.err != nil {
				var words []string
				for _, p := range s.run {
					words = append(words, p.tail(14))
				}
				s.err = fmt.Errorf("%w\n%s\n%s", s.err, strings.Join(words, "\n"), o.words(s.users))
			}
			for i := len(s.undo) - 1; i >= 0; i-- {
				s.undo[i]()
			}
		}()
		script(s)
	}()
	<-done
	return s
}

// trial is one line of the table. Who does what over which transport, as short words.
type trial struct {
	part, what, over string
	alone            bool // only our phones can do this: there is no control
	script           func(*scene)
}

func (tr trial) title() string { return strings.TrimSpace(tr.part + ": " + tr.what + " " + tr.over) }

// stage lets this many trials run at a time: the programs want their sound in time.
var stage = make(chan struct{}, 8)

// trials plays scripts, several at a time.
func trials(t *testing.T, all []trial) {
	t.Helper()
	for i, tr := range all {
		t.Run(tr.what+"/"+tr.over, func(t *testing.T) {
			t.Parallel()
			stage <- struct{}{}
			defer func() { <-stage }()
			if with == "kamailio" {
				if tr.alone {
					return
				}
				s := play(tr.title(), theirs, tr.script)
				results.add(tr, s, nil)
				if s.err != nil {
					t.Error(s.err)
				}
				return
			}
			s := play(tr.title(), ours.from(i), tr.script)
			if s.err == nil {
				results.add(tr, s, nil)
				return
			}
			var control *scene
			if !tr.alone {
				control = play(tr.title(), theirs, tr.script)
			}
			results.add(tr, s, control)
			t.Error(s.err)
			switch {
			case control == nil:
			case control.err != nil:
				t.Errorf("the same fails with kamailio: the client's fault or this test's: %v", control.err)
			default:
				t.Errorf("the same works with kamailio")
			}
		})
	}
}
