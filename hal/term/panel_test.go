package term

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/sys/unix"

	"chordophone/hal"
)

// pty is a terminal whose other end the test holds.
func pty(t *testing.T, width, height uint16) (person *watched, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: height, Col: width}); err != nil {
		t.Fatal(err)
	}
	w := &watched{Writer: master, more: make(chan struct{}, 1)}
	go io.Copy(w.sink(), master) // ends when the terminal is closed
	return w, terminal
}

// watched is what a person types and sees.
type watched struct {
	io.Writer
	mu   sync.Mutex
	seen bytes.Buffer
	more chan struct{}
}

type sink struct{ *watched }

func (w *watched) sink() io.Writer { return sink{w} }

func (s sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	s.seen.Write(b)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return len(b), nil
}

// sees waits until text was drawn.
func (w *watched) sees(t *testing.T, text string) {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		w.mu.Lock()
		seen := w.seen.String()
		w.mu.Unlock()
		if strings.Contains(seen, text) {
			return
		}
		select {
		case <-w.more:
		case <-late:
			t.Fatalf("%q was not drawn in\n%q", text, seen)
		}
	}
}

func next(t *testing.T, p *Panel) (hal.Event, bool) {
	t.Helper()
	select {
	case ev, ok := <-p.Events():
		return ev, ok
	case <-time.After(10 * time.Second):
		t.Fatal("no event")
		panic("unreachable")
	}
}

const leaveAltScreen = "\x1b[?1049l"

// A telephone on a real terminal: typed keys move, notices and log lines are
// drawn, q gives the terminal back as it was.
func TestTerminal(t *testing.T) {
	person, tty := pty(t, 80, 24)
	before, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(tty, tty, []string{"TERM=xterm-256color"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var after bytes.Buffer
	p.after = &after
	person.sees(t, "is starting")
	p.Tell(hal.Ready{Extension: "101", Office: "Lighthouse"})
	person.sees(t, "Lighthouse")
	slog.New(slog.NewTextHandler(p.Log(), nil)).Warn("the fuse is hot")
	person.sees(t, `msg="the fuse is hot"`)
	io.WriteString(person, " 5")
	for _, want := range []hal.Event{{Key: hal.Hook}, {Key: '5', Down: true}, {Key: '5'}} {
		if ev, _ := next(t, p); ev != want {
			t.Errorf("%v, want %v", ev, want)
		}
	}
	person.sees(t, "handset lifted")
	io.WriteString(person, "q")
	if ev, ok := next(t, p); ok {
		t.Errorf("%v after q", ev)
	}
	person.sees(t, leaveAltScreen)
	now, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	if *now != *before {
		t.Errorf("the terminal was left in another mode:\n%+v\n%+v", *now, *before)
	}
	fmt.Fprintln(p.Log(), "afterwards")
	if after.String() != "afterwards\n" {
		t.Errorf("logged after the end: %q", after.String())
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// NO_COLOR is obeyed.
func TestNoColour(t *testing.T) {
	person, tty := pty(t, 80, 24)
	p, err := Open(tty, tty, []string{"TERM=xterm-256color", "NO_COLOR=1"})
	if err != nil {
		t.Fatal(err)
	}
	p.Tell(hal.Ready{Extension: "101", Office: "Lighthouse"})
	p.Show(hal.Picture{hal.On})
	person.sees(t, "ready: 101 at Lighthouse")
	p.Close()
	person.sees(t, leaveAltScreen)
	person.mu.Lock()
	defer person.mu.Unlock()
	for _, colour := range []string{"\x1b[32m", "\x1b[36m", "\x1b[31m", "\x1b[38"} {
		if strings.Contains(person.seen.String(), colour) {
			t.Errorf("%q is in the picture", colour)
		}
	}
}

// A window that changes its size is drawn anew.
func TestResize(t *testing.T) {
	var m sink = sink{&watched{more: make(chan struct{}, 1)}}
	r, w := io.Pipe()
	defer w.Close()
	p := start(tea.WithInput(r), tea.WithOutput(m), tea.WithEnvironment([]string{"TERM=xterm"}), tea.WithWindowSize(80, 24))
	defer p.Close()
	m.sees(t, "╭───╮")
	p.send(tea.WindowSizeMsg{Width: 40, Height: 20})
	m.sees(t, "[ 1 ]")
}

// A fault in drawing gives the terminal back and ends the panel.
func TestPanicGivesTerminalBack(t *testing.T) {
	person, tty := pty(t, 80, 24)
	before, _ := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	p, err := Open(tty, tty, []string{"TERM=xterm"})
	if err != nil {
		t.Fatal(err)
	}
	var after bytes.Buffer
	p.after = &after
	person.sees(t, "is starting")
	p.Tell(hal.Sounding{Tone: 99}) // no such tone: it cannot be drawn
	if _, ok := next(t, p); ok {
		t.Error("Events stays open")
	}
	person.sees(t, leaveAltScreen)
	if now, _ := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS); *now != *before {
		t.Error("the terminal was left in another mode")
	}
	if err := p.Close(); err == nil || !strings.Contains(err.Error(), "drawing the telephone: panic: ") {
		t.Errorf("Close: %v", err)
	}
	if !strings.Contains(after.String(), "(*model).draw") {
		t.Errorf("no trace of the panic: %q", after.String())
	}
	if err := p.Show(hal.Picture{}); err == nil {
		t.Error("Show goes on")
	}
}

// Tell holds nobody up, however much is told before anything is drawn.
func TestQueueIsBounded(t *testing.T) {
	p := newPanel()
	for range 10 * maxQueue {
		p.Tell(hal.Sounding{})
	}
	if len(p.queue) != maxQueue {
		t.Errorf("%d messages wait", len(p.queue))
	}
}

func TestNotATerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if _, err := Open(null, null, nil); !errors.Is(err, ErrNotTerminal) {
		t.Error(err)
	}
}

func TestDumb(t *testing.T) {
	for env, want := range map[string]bool{"TERM=dumb": true, "TERM=": true, "HOME=/": true, "TERM=vt100": false} {
		if dumb([]string{env}) != want {
			t.Errorf("%s: %t", env, !want)
		}
	}
}

// A terminal that can only print.
func TestPlain(t *testing.T) {
	person, tty := pty(t, 80, 24)
	p, err := Open(tty, tty, []string{"TERM=dumb"})
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(person, "\n10#\nz\non\n")
	var got []hal.Event
	for range 8 {
		ev, _ := next(t, p)
		got = append(got, ev)
	}
	want := []hal.Event{{Key: hal.Hook}, {Key: '1', Down: true}, {Key: '1'}, {Key: '0', Down: true}, {Key: '0'},
		{Key: '#', Down: true}, {Key: '#'}, {Key: hal.Hook, Down: true}}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	person.sees(t, `there is no key 'z'`)
	p.Tell(hal.CallState{Peer: "102\x1b[2J", State: "ended", Cause: "busy", Status: 486})
	person.sees(t, "102[2J ended: busy (486)")
	p.Show(hal.Picture{hal.Flash})
	person.sees(t, "lamp line: flash")
	io.WriteString(person, "q\n")
	if ev, ok := next(t, p); ok {
		t.Errorf("%v after q", ev)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	person.mu.Lock()
	defer person.mu.Unlock()
	if strings.Contains(person.seen.String(), "\x1b") {
		t.Errorf("an escape sequence on a dumb terminal: %q", person.seen.String())
	}
}
