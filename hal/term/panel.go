package term

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	xterm "golang.org/x/term"

	"chordophone/hal"
)

// ErrNotTerminal means that input or output is not a terminal.
var ErrNotTerminal = errors.New("standard input and output are not a terminal (for scripts there is --board pipe)")

// maxQueue bounds what waits to be drawn; a terminal that stands still loses the
// oldest of it.
const maxQueue = 256

// Panel implements hal.Panel on a terminal.
type Panel struct {
	events chan hal.Event
	done   chan struct{} // closed when the terminal is given back
	wake   chan struct{} // something is queued, capacity 1
	screen screen
	after  io.Writer // where the log goes once the terminal is given back

	mu    sync.Mutex
	queue []tea.Msg
	err   error // why the terminal was given back, nil for quit
}

// screen is what draws: a bubbletea program or plain lines.
type screen interface {
	Send(tea.Msg) // blocks until the message is taken; does nothing after the end
	Quit()
}

// The messages of the model.
type (
	noticed struct {
		at time.Time
		hal.Notice
	}
	logged struct {
		at   time.Time
		text string
	}
)

// Open takes over the terminal. environ, as of os.Environ, says what it can do.
// The terminal is given back when the person quits, by Close, and when drawing
// panics. A panic elsewhere ends the process at once; so that it leaves a usable
// terminal, defer Close in the goroutines that may.
func Open(in, out *os.File, environ []string) (*Panel, error) {
	if !xterm.IsTerminal(int(in.Fd())) || !xterm.IsTerminal(int(out.Fd())) {
		return nil, ErrNotTerminal
	}
	if dumb(environ) {
		return startPlain(in, out), nil
	}
	return start(tea.WithInput(in), tea.WithOutput(out), tea.WithEnvironment(environ)), nil
}

func dumb(environ []string) bool {
	return !slices.ContainsFunc(environ, func(v string) bool {
		name, found := strings.CutPrefix(v, "TERM=")
		return found && name != "" && name != "dumb"
	})
}

func newPanel() *Panel {
	return &Panel{
		events: make(chan hal.Event, 64),
		done:   make(chan struct{}),
		wake:   make(chan struct{}, 1),
		after:  os.Stderr,
	}
}

// start runs the full screen.
func start(options ...tea.ProgramOption) *Panel {
	p := newPanel()
	m := &guard{Model: newModel(time.Now(), p.press)}
	// Signals are the business of the process.
	prog := tea.NewProgram(m, append(options, tea.WithoutSignalHandler(), tea.WithFPS(30))...)
	p.screen = prog
	var trace []byte
	m.fail = func(stack []byte) {
		trace = stack
		go prog.Quit() // not from within the program; it ends with it
	}
	go func() {
		_, err := prog.Run()
		if trace != nil {
			p.after.Write(trace)
		}
		p.finish(errors.Join(err, m.failed))
	}()
	go p.forward()
	return p
}

// press is called by the screen only. A telephone that takes no keys loses them.
func (p *Panel) press(ev hal.Event) {
	select {
	case p.events <- ev:
	default:
	}
}

// finish is called by the screen when it has given the terminal back.
func (p *Panel) finish(err error) {
	p.mu.Lock()
	if err != nil {
		p.err = fmt.Errorf("terminal: %w", err)
	}
	close(p.done)
	p.mu.Unlock()
	close(p.events)
}

// forward hands the screen what is queued.
func (p *Panel) forward() {
	for {
		select {
		case <-p.done:
			return
		case <-p.wake:
		}
		p.mu.Lock()
		queue := p.queue
		p.queue = nil
		p.mu.Unlock()
		for _, msg := range queue {
			p.screen.Send(msg)
		}
	}
}

func (p *Panel) send(msg tea.Msg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == maxQueue {
		p.queue = slices.Delete(p.queue, 0, 1)
	}
	p.queue = append(p.queue, msg)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Events implements hal.Panel. It is closed when the person quits and when the
// terminal is gone.
func (p *Panel) Events() <-chan hal.Event { return p.events }

// Show implements hal.Panel.
func (p *Panel) Show(pic hal.Picture) error {
	p.send(pic)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Tell implements hal.Panel.
func (p *Panel) Tell(n hal.Notice) { p.send(noticed{time.Now(), n}) }

// Close gives the terminal back. It returns the error that ended the panel, if one
// did.
func (p *Panel) Close() error {
	p.screen.Quit()
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Log is where log lines go while the terminal is taken: they are shown among the
// events instead of spoiling the picture. Afterwards they go to standard error.
func (p *Panel) Log() io.Writer { return logWriter{p} }

type logWriter struct{ panel *Panel }

func (w logWriter) Write(b []byte) (int, error) {
	select {
	case <-w.panel.done:
		return w.panel.after.Write(b)
	default:
	}
	for line := range strings.Lines(string(b)) {
		w.panel.send(logged{time.Now(), line})
	}
	return len(b), nil
}
