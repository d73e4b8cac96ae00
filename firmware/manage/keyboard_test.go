package manage

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"chordophone/firmware/dashboard/dashtest"
)

// keyboard is a person at a terminal.
type keyboard struct {
	t       *testing.T
	session *ssh.Session
	keys    io.Writer
	screen  *screen
}

// screen collects what a terminal is sent.
type screen struct {
	mu      sync.Mutex
	changed *sync.Cond
	b       bytes.Buffer
	glass   *dashtest.Glass
	ended   bool
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.Broadcast()
	s.glass.Write(p) // of lines longer than it, an error
	return s.b.Write(p)
}

func (s *screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.changed.Broadcast()
}

// sit opens a session with a terminal that can show no more than lines: a prompt if
// line is empty.
func sit(t *testing.T, client *ssh.Client, line string) *keyboard {
	t.Helper()
	return sitAt(t, client, "dumb", line, 80, 24)
}

// sitAt opens a session with any terminal.
func sitAt(t *testing.T, client *ssh.Client, term, line string, columns, rows int, env ...string) *keyboard {
	t.Helper()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	k := &keyboard{t: t, session: session, screen: &screen{glass: dashtest.New(columns, rows)}}
	k.screen.changed = sync.NewCond(&k.screen.mu)
	session.Stdout, session.Stderr = k.screen, k.screen
	k.keys, _ = session.StdinPipe()
	for i := 0; i < len(env); i += 2 {
		if err := session.Setenv(env[i], env[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := session.RequestPty(term, rows, columns, nil); err != nil {
		t.Fatal(err)
	}
	if line == "" {
		err = session.Shell()
	} else {
		err = session.Start(line)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sees waits for text and forgets what came before.
func (k *keyboard) sees(text string) {
	k.t.Helper()
	s := k.screen
	late := time.AfterFunc(30*time.Second, s.end)
	defer late.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if i := bytes.Index(s.b.Bytes(), []byte(text)); i >= 0 {
			s.b.Next(i + len(text))
			return
		}
		if s.ended {
			k.t.Fatalf("%q is not on the screen: %q", text, s.b.String())
		}
		s.changed.Wait()
	}
}

// shows waits until text can be read on the terminal.
func (k *keyboard) shows(text string) {
	k.t.Helper()
	s := k.screen
	late := time.AfterFunc(30*time.Second, s.end)
	defer late.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !strings.Contains(s.glass.Text(), text) {
		if s.ended {
			k.t.Fatalf("%q is not on the screen:\n%s", text, s.glass.Text())
		}
		s.changed.Wait()
	}
}

func (k *keyboard) types(keys string) {
	k.t.Helper()
	if _, err := io.WriteString(k.keys, keys); err != nil {
		k.t.Error(err)
	}
}

// status waits for the end.
func (k *keyboard) status() int {
	err := k.session.Wait()
	k.screen.end()
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return exit.ExitStatus()
	} else if err != nil {
		k.t.Error(err)
	}
	return 0
}
