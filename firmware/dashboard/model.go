package dashboard

import (
	"slices"
	"strings"
)

// Style of a terminal.
type Terminal struct {
	ASCII bool // it cannot show Unicode
	Mono  bool // it has no colours
}

// pane is a part of the screen that can be walked to.
type pane int

const (
	ringPane pane = iota
	phonesPane
	callsPane
	registrationsPane
	logPane
	panes
)

// Bounds of what is kept.
const (
	maxOutput  = 2000 // lines of a command
	maxHistory = 100  // commands
	maxTyped   = 1000 // characters of a line
)

// Model is the dashboard: what it knows, and where somebody is in it.
type Model struct {
	terminal      Terminal
	signs         signs
	columns, rows int
	data          Snapshot
	known         bool // data has come

	focus  pane
	scroll [panes]int
	help   bool

	// The line for commands.
	typing  bool
	line    []rune
	cursor  int // in line
	history []string
	recall  int // place in history, len(history): none
	choices []string

	// What the last command wrote.
	running bool
	shown   bool // it is on the screen
	command string
	output  []string
	status  int
	back    int // lines scrolled back in it
}

// New makes a model for a terminal.
func New(t Terminal) *Model {
	m := &Model{terminal: t, signs: unicodeSigns(), columns: 80, rows: 24, focus: phonesPane}
	if t.ASCII {
		m.signs = asciiSigns()
	}
	return m
}

// Step takes in what happened.
func (m *Model) Step(ev Event) []Action {
	switch ev := ev.(type) {
	case Resize:
		m.columns, m.rows = ev.Columns, ev.Rows
	case Data:
		m.data, m.known = ev.Snapshot, true
		for p := range panes { // what was there may be no more
			m.scroll[p] = max(0, min(m.scroll[p], m.length(p)-1))
		}
	case Output:
		m.write(ev.Text)
	case Done:
		m.running, m.status = false, ev.Status
	case Completed:
		if m.typing {
			m.line, m.choices = []rune(ev.Line), ev.Choices
			m.cursor = len(m.line)
		}
	case Press:
		return m.press(ev.Key)
	}
	return nil
}

// write adds to what a command wrote, whole lines or not.
func (m *Model) write(text string) {
	if len(m.output) == 0 {
		m.output = []string{""}
	}
	for i, part := range strings.Split(text, "\n") {
		if i > 0 {
			m.output = append(m.output, "")
		}
		m.output[len(m.output)-1] += strings.ReplaceAll(part, "\t", "        ")
	}
	if n := len(m.output) - maxOutput; n > 0 {
		m.output = slices.Delete(m.output, 0, n)
	}
}

// press takes in a key, by where somebody is.
func (m *Model) press(k Key) []Action {
	switch {
	case k == CtrlL:
		return []Action{Redraw{}}
	case m.typing:
		return m.edit(k)
	case m.help:
		m.help = false
		return nil
	case m.shown:
		return m.read(k)
	}
	return m.walk(k)
}

// walk is about the panes.
func (m *Model) walk(k Key) []Action {
	switch k {
	case 'q', CtrlD:
		return []Action{Quit{}}
	case '?', 'h':
		m.help = true
	case ':', '/':
		m.open()
	case '!':
		return []Action{Shell{}}
	case 'a':
		m.terminal.ASCII = !m.terminal.ASCII
		m.signs = unicodeSigns()
		if m.terminal.ASCII {
			m.signs = asciiSigns()
		}
	case 'o':
		m.shown = m.command != ""
	case Tab, Right, 'l':
		m.focus = (m.focus + 1) % panes
	case BackTab, Left:
		m.focus = (m.focus + panes - 1) % panes
	case Up, 'k':
		m.move(-1)
	case Down, 'j':
		m.move(+1)
	case PageUp:
		m.move(-8)
	case PageDown:
		m.move(+8)
	case Home:
		m.scroll[m.focus] = 0
	case Enter:
		if p := m.selected(); m.focus == phonesPane && p != nil {
			return m.run("lookup " + p.Extension)
		}
	}
	return nil
}

// move scrolls the pane that has the focus. The log is at its end, and scrolled back.
func (m *Model) move(by int) {
	if m.focus == logPane {
		by = -by
	}
	m.scroll[m.focus] = max(0, min(m.scroll[m.focus]+by, m.length(m.focus)-1))
}

// length is how many lines a pane has.
func (m *Model) length(p pane) int {
	switch p {
	case phonesPane:
		return len(m.data.Phones)
	case callsPane:
		return len(m.data.Calls)
	case registrationsPane:
		return len(m.data.Registrations)
	case logPane:
		return len(m.data.Log)
	}
	return 0
}

// selected is the telephone on which the bar stands.
func (m *Model) selected() *Phone {
	if i := m.scroll[phonesPane]; i < len(m.data.Phones) {
		return &m.data.Phones[i]
	}
	return nil
}

// read is about what a command wrote.
func (m *Model) read(k Key) []Action {
	switch k {
	case Escape, 'q', Enter, CtrlD:
		if m.running {
			return []Action{Interrupt{}}
		}
		m.shown, m.back = false, 0
	case ':', '/':
		if !m.running {
			m.open()
		}
	case Up, 'k':
		m.back++
	case Down, 'j':
		m.back--
	case PageUp:
		m.back += 10
	case PageDown:
		m.back -= 10
	case Home:
		m.back = len(m.output)
	case End:
		m.back = 0
	}
	m.back = max(0, min(m.back, len(m.output)-1))
	return nil
}

// run begins a command.
func (m *Model) run(line string) []Action {
	m.command, m.output, m.status, m.back = line, nil, 0, 0
	m.running, m.shown = true, true
	return []Action{Run{line}}
}
