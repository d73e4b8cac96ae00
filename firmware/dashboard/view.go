package dashboard

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// The least screen for all panes at once, and for anything.
const (
	allColumns, allRows     = 64, 18
	leastColumns, leastRows = 20, 5
)

// View is the screen as it should be now.
func (m *Model) View() *Screen {
	s := newScreen(max(1, m.columns), max(1, m.rows))
	if m.columns < leastColumns || m.rows < leastRows {
		s.put(rect{0, 0, s.Rows, s.Columns}, 0, 0, Plain, "too small")
		return s
	}
	m.title(s, rect{0, 0, 1, m.columns})
	body := rect{1, 0, m.rows - 2, m.columns}
	switch {
	case m.help:
		m.manual(s, body)
	case m.shown:
		m.outcome(s, body)
	case m.columns < allColumns || m.rows < allRows:
		m.pane(s, m.focus, body)
	default:
		for p, r := range split(body) {
			m.pane(s, pane(p), r)
		}
	}
	m.foot(s, rect{m.rows - 1, 0, 1, m.columns})
	return s
}

// split places the panes.
func split(body rect) (r [panes]rect) {
	top := max(9, body.rows/2)
	middle := max(5, (body.rows-top)*5/11)
	left := min(2*top+6, body.cols*2/5)
	r[ringPane] = rect{body.row, body.col, top, left}
	r[phonesPane] = rect{body.row, body.col + left, top, body.cols - left}
	calls := body.cols * 11 / 20
	r[callsPane] = rect{body.row + top, body.col, middle, calls}
	r[registrationsPane] = rect{body.row + top, body.col + calls, middle, body.cols - calls}
	r[logPane] = rect{body.row + top + middle, body.col, body.rows - top - middle, body.cols}
	return r
}

// title says in one line how this telephone is.
func (m *Model) title(s *Screen, r rect) {
	s.fill(r, 0, Reverse)
	d := &m.data
	if !m.known {
		s.put(r, 0, 1, Reverse, "asking the telephone"+m.signs.more)
		return
	}
	ready := "ready"
	if !d.Ready {
		ready = "NOT READY"
	}
	parts := []string{d.Extension + "@" + d.Office, d.Name, ready, fmt.Sprintf("ring %d", d.Ring), "up " + days(d.Uptime)}
	if d.Problems > 0 {
		parts = append(parts, plural(d.Problems, "problem"))
	}
	parts = append(parts, d.Version)
	var shown []string
	for _, p := range parts {
		if p != "" {
			shown = append(shown, p)
		}
	}
	s.put(r, 0, 1, Reverse|Bold, cut(m.signs, strings.Join(shown, "   "), r.cols-2))
}

// foot is the last line: for commands, or for what could be done.
func (m *Model) foot(s *Screen, r rect) {
	switch {
	case m.typing && len(m.choices) > 0:
		m.prompt(s, r)
		above := rect{r.row - 1, r.col, 1, r.cols}
		s.fill(above, 0, Reverse)
		s.put(above, 0, 1, Reverse, cut(m.signs, strings.Join(m.choices, "  "), r.cols-2))
	case m.typing:
		m.prompt(s, r)
	case m.shown && m.running:
		s.put(r, 0, 1, Plain, "running"+m.signs.more+"  Esc or Ctrl-C ends it")
	case m.shown:
		s.put(r, 0, 1, Plain, cut(m.signs, "Esc back  PgUp PgDn read  : next command", r.cols-2))
	case m.help:
		s.put(r, 0, 1, Plain, "any key: back")
	case m.data.Problem != "":
		s.put(r, 0, 1, Red|Bold, cut(m.signs, m.data.Problem, r.cols-2))
	default:
		s.put(r, 0, 1, Gray, cut(m.signs, "Tab next pane  Up Down scroll  Enter look up  : command  ? help  q quit", r.cols-2))
	}
}

// prompt is the line for commands; of a long one the part round the cursor.
func (m *Model) prompt(s *Screen, r rect) {
	line := m.line
	from := 0
	for ansi.StringWidth(string(line[from:m.cursor])) > r.cols-4 {
		from++
	}
	s.put(r, 0, 0, Bold, ":")
	s.put(r, 0, 1, Plain, string(line[from:]))
	s.Typing, s.CursorRow = true, r.row
	s.CursorCol = r.col + 1 + ansi.StringWidth(string(line[from:m.cursor]))
}

// outcome is what a command wrote, its end or where somebody has scrolled to.
func (m *Model) outcome(s *Screen, r rect) {
	title := m.command
	if !m.running && m.status != 0 {
		title += fmt.Sprintf(" (exit %d)", m.status)
	}
	s.frame(m.signs, r, m.border(true), cut(m.signs, title, r.cols-6))
	in := r.inner()
	var lines []string
	for _, l := range m.output {
		lines = append(lines, fold(l, in.cols)...)
	}
	if n := len(lines); n > 0 && lines[n-1] == "" {
		lines = lines[:n-1]
	}
	if len(lines) == 0 && !m.running {
		lines = []string{"(nothing)"}
	}
	end := max(min(len(lines), in.rows), len(lines)-m.back)
	for i, l := range lines[max(0, end-in.rows):end] {
		s.put(in, i, 0, Plain, l)
	}
}

// fold breaks a line at a width.
func fold(line string, columns int) []string {
	return strings.Split(ansi.Hardwrap(line, max(1, columns), true), "\n")
}

// border is the style of a pane's frame.
func (m *Model) border(focus bool) Style {
	if focus {
		return Cyan | Bold
	}
	return Gray
}

// manual is the help.
func (m *Model) manual(s *Screen, r rect) {
	s.frame(m.signs, r, m.border(true), "help")
	in := r.inner()
	g := m.signs.marks
	for i, l := range []string{
		"Tab, Left, Right  another pane         Up, Down, PgUp, PgDn  scroll in it",
		": or /            a command            Enter                 look a phone up",
		"! or :shell       the line prompt      o                     last output",
		"a                 plain signs          Ctrl-L                paint anew",
		"q or Ctrl-D       leave                Ctrl-C, Esc           end a command",
		"",
		"Commands are those of ssh ... COMMAND; Tab completes them and their names.",
		":help lists them, :help revoke says more on one, with an example.",
		"",
		"Phones: " + g["idle"] + " idle  " + g["ringing"] + " ringing  " + g["busy"] + " busy  " + g["held"] + " held  " + g["unreachable"] + " unreachable  " + g["offline"] + " no telephone",
		"MOS is the opinion (1 bad, 4.5 best) that a call's sound stands for: below",
		"3.6 many are dissatisfied. LOSS is what did not come in time, JIT the jitter",
		"in ms. The ring is drawn in order of its nodes, clockwise; this phone: [ ].",
	} {
		s.put(in, i, 1, Plain, cut(m.signs, l, in.cols-2))
	}
}

// days is a time in its two greatest units.
func days(seconds int64) string {
	switch minutes := seconds / 60; {
	case minutes >= 24*60:
		return fmt.Sprintf("%d d %d h", minutes/(24*60), minutes/60%24)
	case minutes >= 60:
		return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
	default:
		return fmt.Sprintf("%d min", minutes)
	}
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
