package dashboard

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Style is how a cell looks: a colour and attributes.
type Style uint8

// Colours are the names; what they are is the terminal's business.
const (
	Plain Style = iota
	Red
	Green
	Yellow
	Blue
	Magenta
	Cyan
	Gray

	colours Style = 0x0f

	Bold    Style = 0x10
	Reverse Style = 0x20
)

// cell is one place of a screen. The second place of a wide character is 0.
type cell struct {
	r     rune
	style Style
}

// Screen is all that a terminal shows.
type Screen struct {
	Columns, Rows int
	cells         []cell

	// Cursor is where to type, if Typing.
	Typing               bool
	CursorRow, CursorCol int
}

func newScreen(columns, rows int) *Screen {
	s := &Screen{Columns: columns, Rows: rows, cells: make([]cell, columns*rows)}
	for i := range s.cells {
		s.cells[i].r = ' '
	}
	return s
}

// rect is a part of a screen.
type rect struct{ row, col, rows, cols int }

// inner is what is within the frame of r.
func (r rect) inner() rect { return rect{r.row + 1, r.col + 1, max(0, r.rows-2), max(0, r.cols-2)} }

// put writes text at a place of r, cut off where r ends, and returns the column behind
// it. Control characters have no place on a screen.
func (s *Screen) put(r rect, row, col int, style Style, text string) int {
	if row < 0 || row >= r.rows || r.row+row >= s.Rows {
		return col
	}
	for _, c := range text {
		if !unicode.IsPrint(c) {
			c = '?'
		}
		width := 1
		if c > '~' {
			width = ansi.StringWidth(string(c))
		}
		if width == 0 {
			continue // a mark on the character before: it is left out
		}
		if col+width > r.cols || r.col+col+width > s.Columns {
			break
		}
		if col >= 0 {
			at := (r.row+row)*s.Columns + r.col + col
			for i := range width {
				s.clear(at + i)
			}
			s.cells[at] = cell{c, style}
			if width == 2 {
				s.cells[at+1] = cell{0, style}
			}
		}
		col += width
	}
	return col
}

// clear makes a place free. Half of a wide character does not stay.
func (s *Screen) clear(at int) {
	if s.cells[at].r == 0 {
		s.cells[at-1].r = ' '
	}
	if at+1 < len(s.cells) && s.cells[at+1].r == 0 {
		s.cells[at+1].r = ' '
	}
	s.cells[at].r = ' '
}

// fill gives a row of r a style and clears it.
func (s *Screen) fill(r rect, row int, style Style) {
	s.put(r, row, 0, style, strings.Repeat(" ", r.cols))
}

// Text is the screen without styles, lines without blanks at their end.
func (s *Screen) Text() string {
	var b strings.Builder
	for row := range s.Rows {
		var line strings.Builder
		for _, c := range s.cells[row*s.Columns : (row+1)*s.Columns] {
			if c.r != 0 {
				line.WriteRune(c.r)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// signs are what is drawn with.
type signs struct {
	horizontal, vertical                       string
	topLeft, topRight, bottomLeft, bottomRight string
	dot, to, from, more                        string
	marks                                      map[string]string // by state
}

func unicodeSigns() signs {
	return signs{"─", "│", "┌", "┐", "└", "┘", "·", "→", "←", "…", map[string]string{
		"idle": "●", "ringing": "◆", "busy": "■", "held": "▲", "offline": "○", "unreachable": "✗", "unknown": "○", "away": "✗",
	}}
}

func asciiSigns() signs {
	return signs{"-", "|", "+", "+", "+", "+", ".", ">", "<", "~", map[string]string{
		"idle": "o", "ringing": "!", "busy": "#", "held": "=", "offline": "-", "unreachable": "x", "unknown": "?", "away": "x",
	}}
}

// frame draws a border with a title.
func (s *Screen) frame(g signs, r rect, style Style, title string) {
	if r.rows < 2 || r.cols < 2 {
		return
	}
	bar := strings.Repeat(g.horizontal, r.cols-2)
	s.put(r, 0, 0, style, g.topLeft+bar+g.topRight)
	for i := 1; i < r.rows-1; i++ {
		s.put(r, i, 0, style, g.vertical)
		s.put(r, i, r.cols-1, style, g.vertical)
	}
	s.put(r, r.rows-1, 0, style, g.bottomLeft+bar+g.bottomRight)
	s.put(rect{r.row, r.col, 1, r.cols - 1}, 0, 2, style, " "+title+" ")
}

// cut shortens text to so many columns.
func cut(g signs, text string, columns int) string {
	return ansi.Truncate(text, max(0, columns), g.more)
}

// pad makes text exactly so many columns wide.
func pad(g signs, text string, columns int) string {
	text = cut(g, text, columns)
	return text + strings.Repeat(" ", max(0, columns-ansi.StringWidth(text)))
}
