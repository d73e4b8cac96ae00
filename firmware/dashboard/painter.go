package dashboard

import (
	"bytes"
	"strconv"
)

// What a terminal is told before the first frame and after the last one.
const (
	Open  = "\x1b[?1049h\x1b[?25l" // the other screen, no cursor
	Close = "\x1b[0m\x1b[?25h\x1b[?1049l"
)

// Painter turns screens into what a terminal must be sent.
type Painter struct {
	mono   bool
	before *Screen // nil: unknown
	typing bool    // the cursor is shown
}

// NewPainter makes a painter for a terminal of which nothing is known. In mono there
// are no colours.
func NewPainter(mono bool) *Painter { return &Painter{mono: mono} }

// Forget makes the next frame a whole one.
func (p *Painter) Forget() { p.before = nil }

// Frame is what makes the terminal show s, nothing if it does so already.
func (p *Painter) Frame(s *Screen) []byte {
	var b bytes.Buffer
	whole := p.before == nil || p.before.Columns != s.Columns || p.before.Rows != s.Rows
	if whole {
		b.WriteString("\x1b[0m\x1b[2J")
	}
	style, at := Plain, -1 // of the terminal; the place behind what was written last
	for i := 0; i < len(s.cells); i++ {
		c := s.cells[i]
		if whole && c == (cell{' ', Plain}) || !whole && c == p.before.cells[i] && !p.halved(s, i) {
			continue
		}
		if c.r == 0 { // the second half of a wide character is written with the first
			if i == 0 || s.cells[i-1].r == 0 {
				continue
			}
			i--
			c = s.cells[i]
		}
		if i != at || i%s.Columns == 0 {
			move(&b, i/s.Columns, i%s.Columns)
		}
		if c.style != style {
			p.set(&b, c.style)
			style = c.style
		}
		b.WriteRune(c.r)
		at = i + 1
		if i+1 < len(s.cells) && s.cells[i+1].r == 0 {
			i++
			at++
		}
	}
	if style != Plain {
		b.WriteString("\x1b[0m")
	}
	p.cursor(&b, s)
	kept := *s
	p.before = &kept
	return b.Bytes()
}

// halved reports whether cell i was one half of a wide character that is no more: a
// terminal may clear both.
func (p *Painter) halved(s *Screen, i int) bool {
	was := p.before.cells
	if was[i].r == 0 {
		return i > 0 && was[i-1] != s.cells[i-1]
	}
	return i+1 < len(was) && was[i+1].r == 0 && was[i+1] != s.cells[i+1]
}

// cursor shows it where somebody types, and hides it elsewhere.
func (p *Painter) cursor(b *bytes.Buffer, s *Screen) {
	moved := p.before == nil || p.before.CursorRow != s.CursorRow || p.before.CursorCol != s.CursorCol
	switch {
	case s.Typing && (b.Len() > 0 || moved || !p.typing):
		move(b, s.CursorRow, s.CursorCol)
		if !p.typing {
			b.WriteString("\x1b[?25h")
		}
	case !s.Typing && p.typing:
		b.WriteString("\x1b[?25l")
	}
	p.typing = s.Typing
}

// move is CUP. // ECMA-48, section 8.3.21
func move(b *bytes.Buffer, row, col int) {
	b.WriteString("\x1b[" + strconv.Itoa(row+1) + ";" + strconv.Itoa(col+1) + "H")
}

// set is SGR. // ECMA-48, section 8.3.117
func (p *Painter) set(b *bytes.Buffer, s Style) {
	b.WriteString("\x1b[0")
	if s&Bold != 0 {
		b.WriteString(";1")
	}
	if s&Reverse != 0 {
		b.WriteString(";7")
	}
	if c := s & colours; c != Plain && !p.mono {
		if c == Gray {
			b.WriteString(";90")
		} else {
			b.WriteString(";3" + strconv.Itoa(int(c)))
		}
	}
	b.WriteByte('m')
}
