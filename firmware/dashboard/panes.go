package dashboard

import (
	"fmt"
	"strings"
)

// pane draws one of the panes.
func (m *Model) pane(s *Screen, p pane, r rect) {
	title := [panes]string{"ring", "phones", "calls", "registrations", "log"}[p]
	if n := m.length(p); n > 0 && p != logPane {
		title = fmt.Sprintf("%s %d", title, n)
	}
	s.frame(m.signs, r, m.border(p == m.focus), title)
	in := r.inner()
	switch p {
	case ringPane:
		m.ring(s, in)
	case phonesPane:
		m.phones(s, in)
	case callsPane:
		m.calls(s, in)
	case registrationsPane:
		m.registrations(s, in)
	case logPane:
		m.log(s, in)
	}
}

// row is a line of a list, with the style of its first column.
type row struct {
	mark  Style
	style Style
	cells []string
}

// list draws rows from where somebody has scrolled to, below their heads. The last
// column takes what is left.
func (m *Model) list(s *Screen, in rect, p pane, widths []int, heads []string, rows []row, nothing string) {
	if len(rows) == 0 {
		s.put(in, 0, 1, Gray, nothing)
		return
	}
	at := func(y int, style, mark Style, cells []string) {
		x := 1
		for i, c := range cells {
			width := in.cols - x
			if i < len(widths) {
				width = min(widths[i], width)
			}
			if i > 0 {
				mark = style
			}
			s.put(in, y, x, mark, pad(m.signs, c, width))
			x += width + 1
		}
	}
	at(0, Gray, Gray, heads)
	room := max(0, in.rows-1)
	from := max(0, min(m.scroll[p], len(rows)-room))
	for y, r := range rows[from:min(len(rows), from+room)] {
		style, mark := r.style, r.mark
		if m.focus == p && from+y == m.scroll[p] {
			s.fill(rect{in.row, in.col, in.rows, in.cols}, y+1, Reverse)
			style, mark = style|Reverse, mark|Reverse
		}
		at(y+1, style, mark, r.cells)
	}
	if hidden := len(rows) - room - from; hidden > 0 && room > 0 {
		text := fmt.Sprintf(" %d more ", hidden)
		s.put(rect{in.row + in.rows, in.col, 1, in.cols}, 0, in.cols-len(text)-1, m.border(m.focus == p), text)
	}
}

// stateOf is what a telephone does, in a word, and the style of that.
func stateOf(p Phone) (state string, style Style) {
	switch {
	case p.Revoked:
		return "revoked", Gray
	case !p.Online:
		return "away", Red | Bold
	}
	switch p.State {
	case "idle":
		return p.State, Green
	case "ringing":
		return p.State, Yellow | Bold
	case "busy":
		return p.State, Red
	case "held":
		return p.State, Magenta
	case "unreachable":
		return p.State, Red | Bold
	case "offline":
		return p.State, Gray
	}
	return "unknown", Gray
}

// mark is the sign for what a telephone does.
func (m *Model) mark(state string) string {
	if sign, ok := m.signs.marks[state]; ok {
		return sign
	}
	return m.signs.dot
}

func (m *Model) phones(s *Screen, in rect) {
	var rows []row
	for _, p := range m.data.Phones {
		state, style := stateOf(p)
		who := p.Name
		if p.Self {
			who = strings.TrimSpace(who + " (this one)")
		}
		rows = append(rows, row{style, Plain, []string{m.mark(state), p.Extension, state, p.Address, who}})
	}
	m.list(s, in, phonesPane, []int{1, 6, 11, 15}, []string{"", "EXT", "STATE", "ADDRESS", "NAME"}, rows, "no telephone is known yet")
}

func (m *Model) calls(s *Screen, in rect) {
	var rows []row
	for _, c := range m.data.Calls {
		direction := m.signs.to
		if c.Incoming {
			direction = m.signs.from
		}
		style, when, state := Bold, clock(c.Seconds), c.State
		if c.State == "ended" {
			style, when, state = Gray, c.Began, c.Cause
			if c.Seconds > 0 {
				state = "talked " + clock(c.Seconds)
			}
		}
		mos, loss, jitter, mark := "", "", "", style
		if c.MOS > 0 {
			mos, loss, jitter = fmt.Sprintf("%.1f", c.MOS), fmt.Sprintf("%.1f%%", 100*c.Loss), fmt.Sprintf("%.0f", c.JitterMS)
			if c.MOS < 3.6 && c.State != "ended" {
				mark = Red | Bold
			}
		}
		rows = append(rows, row{mark, style, []string{direction, c.Number, when, mos, loss, jitter, state}})
	}
	m.list(s, in, callsPane, []int{1, 8, 6, 3, 5, 3}, []string{"", "NUMBER", "TIME", "MOS", "LOSS", "JIT", "STATE"}, rows, "no calls")
}

func (m *Model) registrations(s *Screen, in rect) {
	var rows []row
	for _, r := range m.data.Registrations {
		agent := r.Agent
		if agent == "" {
			agent = "telephone"
		}
		rows = append(rows, row{Plain, Plain, []string{r.Address, r.At, agent, r.Contact}})
	}
	m.list(s, in, registrationsPane, []int{8, 4, 11}, []string{"WHO", "AT", "PROGRAM", "CONTACT"}, rows, "nobody is registered")
}

// log shows the end of the log; scrolling goes back in it.
func (m *Model) log(s *Screen, in rect) {
	lines := m.data.Log
	end := max(min(len(lines), in.rows), len(lines)-m.scroll[logPane])
	for y, l := range lines[max(0, end-in.rows):end] {
		text, style := brief(l)
		s.put(in, y, 1, style, cut(m.signs, text, in.cols-2))
	}
	if n := m.scroll[logPane]; n > 0 {
		text := fmt.Sprintf(" %d back ", n)
		s.put(rect{in.row + in.rows, in.col, 1, in.cols}, 0, in.cols-len(text)-1, m.border(m.focus == logPane), text)
	}
}

// brief is a line of slog's text format without what is not worth the room: the date,
// the names of time and message, and a level that is usual.
func brief(line string) (text string, style Style) {
	at, rest, ok := strings.Cut(line, " level=")
	stamp, isTime := strings.CutPrefix(at, "time=")
	if !ok || !isTime || len(stamp) < 19 {
		return line, Plain
	}
	level, rest, _ := strings.Cut(rest, " ")
	rest = strings.TrimPrefix(rest, "msg=")
	if quoted, after, ok := strings.Cut(strings.TrimPrefix(rest, `"`), `"`); ok && rest[0] == '"' {
		rest = quoted + after
	}
	text = stamp[11:19] + " "
	switch level {
	case "INFO":
	case "WARN":
		text, style = text+"WARN ", Yellow
	case "ERROR":
		text, style = text+"ERROR ", Red|Bold
	default:
		style = Gray
	}
	return text + rest, style
}

// clock is minutes and seconds.
func clock(seconds int64) string { return fmt.Sprintf("%d:%02d", seconds/60, seconds%60) }
