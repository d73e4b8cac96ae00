package term

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"chordophone/hal"
)

// lines is the screen of a terminal that can only print.
type lines struct {
	out      io.Writer
	shown    hal.Picture // of the forwarding goroutine
	stopOnce sync.Once
	stop     chan struct{}
}

// startPlain runs a panel in plain lines. The goroutine that reads is left behind
// by Close, for nothing can end its Read.
func startPlain(in io.Reader, out io.Writer) *Panel {
	p := newPanel()
	l := &lines{out: out, stop: make(chan struct{})}
	p.screen = l
	fmt.Fprintln(out, "keys: 0-9 * # A-D, r for recall; an empty line, off or on for the handset; quit")
	typed := make(chan string)
	go func() {
		defer close(typed)
		for s := bufio.NewScanner(in); s.Scan(); {
			select {
			case typed <- strings.TrimSpace(s.Text()):
			case <-l.stop:
				return
			}
		}
	}()
	go func() {
		defer p.finish(nil)
		lifted := false
		for {
			select {
			case <-l.stop:
				return
			case line, ok := <-typed:
				if !ok || line == "quit" || line == "q" {
					l.Quit()
					return
				}
				l.typed(p, line, &lifted)
			}
		}
	}()
	go p.forward()
	return p
}

func (l *lines) typed(p *Panel, line string, lifted *bool) {
	switch line {
	case "", "off", "on":
		*lifted = line == "off" || line == "" && !*lifted
		p.press(hal.Event{Key: hal.Hook, Down: !*lifted})
		return
	}
	for _, c := range line {
		k, ok := keyOf(c)
		if !ok {
			p.Tell(hal.Fault{Message: fmt.Sprintf("there is no key %q", c)})
			return
		}
		p.press(hal.Event{Key: k, Down: true})
		p.press(hal.Event{Key: k})
	}
}

// Send prints what a message means.
func (l *lines) Send(msg tea.Msg) {
	switch msg := msg.(type) {
	case hal.Picture:
		for i, s := range msg {
			if s != l.shown[i] {
				fmt.Fprintf(l.out, "lamp %s: %v\n", hal.LampName(i), s)
			}
		}
		l.shown = msg
	case logged:
		fmt.Fprintln(l.out, clean(msg.text))
	case noticed:
		l.notice(msg.at, msg.Notice)
	}
}

func (l *lines) notice(at time.Time, n hal.Notice) {
	text, _ := describe(n)
	switch n := n.(type) {
	case hal.Sounding:
		text = []string{"tone: " + n.Tone.String()}
	case hal.Lines:
		text = []string{"display: " + strings.Join(n.Lines, " | ")}
	case hal.Ringing:
		if !n.On {
			text = []string{"the bell is silent"}
		}
	}
	for _, s := range text {
		fmt.Fprintf(l.out, "%s %s\n", at.Format(time.TimeOnly), clean(s))
	}
}

func (l *lines) Quit() { l.stopOnce.Do(func() { close(l.stop) }) }
