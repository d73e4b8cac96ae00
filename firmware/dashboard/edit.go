package dashboard

import (
	"slices"
	"strings"
)

// open begins a line for a command.
func (m *Model) open() {
	m.typing, m.line, m.cursor, m.choices = true, nil, 0, nil
	m.recall = len(m.history)
}

// edit is a key of that line. Ctrl-C arrives as Ctrl-E and Ctrl-U: it clears the line,
// and leaves it when it is clear.
func (m *Model) edit(k Key) []Action {
	if k != Tab {
		m.choices = nil
	}
	switch k {
	case Enter:
		return m.enter()
	case Escape, CtrlD:
		m.typing = false
	case CtrlU:
		if len(m.line) == 0 {
			m.typing = false
		}
		m.line, m.cursor = nil, 0
	case Backspace:
		if m.cursor == 0 {
			m.typing = len(m.line) > 0
			break
		}
		m.cursor--
		m.line = slices.Delete(m.line, m.cursor, m.cursor+1)
	case Delete:
		if m.cursor < len(m.line) {
			m.line = slices.Delete(m.line, m.cursor, m.cursor+1)
		}
	case Left:
		m.cursor = max(0, m.cursor-1)
	case Right:
		m.cursor = min(len(m.line), m.cursor+1)
	case Home, CtrlA:
		m.cursor = 0
	case End, CtrlE:
		m.cursor = len(m.line)
	case Up:
		m.remember(-1)
	case Down:
		m.remember(+1)
	case Tab:
		if m.cursor == len(m.line) {
			return []Action{Complete{string(m.line)}}
		}
	default:
		if k >= ' ' && len(m.line) < maxTyped {
			m.line = slices.Insert(m.line, m.cursor, rune(k))
			m.cursor++
		}
	}
	return nil
}

// enter carries the line out.
func (m *Model) enter() []Action {
	line := strings.TrimSpace(string(m.line))
	m.typing = false
	switch line {
	case "":
		return nil
	case "q", "quit", "exit", "logout":
		return []Action{Quit{}}
	case "shell":
		return []Action{Shell{}}
	}
	if n := len(m.history); n == 0 || m.history[n-1] != line {
		m.history = append(m.history, line)
	}
	if n := len(m.history) - maxHistory; n > 0 {
		m.history = slices.Delete(m.history, 0, n)
	}
	return m.run(line)
}

// remember walks through what was typed before.
func (m *Model) remember(by int) {
	m.recall = max(0, min(len(m.history), m.recall+by))
	m.line = nil
	if m.recall < len(m.history) {
		m.line = []rune(m.history[m.recall])
	}
	m.cursor = len(m.line)
}
