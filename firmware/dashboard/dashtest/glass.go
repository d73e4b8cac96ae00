// Package dashtest is a terminal for tests: what a Painter writes becomes a text again.
package dashtest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Glass is a terminal as far as a Painter needs one.
type Glass struct {
	Columns, Rows int
	Row, Col      int      // where the next character goes
	Cursor        bool     // it is shown
	SGR           []string // parameters of all SGR sequences so far

	cells []rune // the second place of a wide character is 0
	rest  []byte // of a sequence that is not complete
}

// New is a terminal with rubbish on it.
func New(columns, rows int) *Glass {
	g := new(Glass)
	g.Resize(columns, rows)
	return g
}

// Resize makes it another size; what is on it then is rubbish.
func (g *Glass) Resize(columns, rows int) {
	g.Columns, g.Rows, g.Row, g.Col = columns, rows, 0, 0
	g.cells = slices.Repeat([]rune{'~'}, columns*rows)
}

var (
	sequence = regexp.MustCompile(`^\x1b\[(\??[0-9;]*)([A-Za-z])`)
	partial  = regexp.MustCompile(`^\x1b(\[\??[0-9;]*)?$`)
)

// Write takes what a terminal is sent. The error is something that a Painter does not
// send.
func (g *Glass) Write(p []byte) (int, error) {
	text := string(append(g.rest, p...))
	g.rest = nil
	for text != "" {
		if m := sequence.FindStringSubmatch(text); m != nil {
			if err := g.obey(m[1], m[2]); err != nil {
				return 0, err
			}
			text = text[len(m[0]):]
			continue
		}
		if partial.MatchString(text) || !utf8.FullRuneInString(text) {
			g.rest = []byte(text)
			break
		}
		r, n := utf8.DecodeRuneInString(text)
		text = text[n:]
		if err := g.put(r); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (g *Glass) put(r rune) error {
	switch r {
	case '\r':
		g.Col = 0
		return nil
	case '\n':
		g.Row = min(g.Row+1, g.Rows-1)
		return nil
	}
	width := ansi.StringWidth(string(r))
	if r < ' ' || g.Col+width > g.Columns || g.Row >= g.Rows {
		return fmt.Errorf("character %q in column %d of row %d", r, g.Col, g.Row)
	}
	at := g.Row*g.Columns + g.Col
	for i := at; i < at+width; i++ { // half a wide character does not stay
		if g.cells[i] == 0 {
			g.cells[i-1] = ' '
		}
		if i+1 < len(g.cells) && g.cells[i+1] == 0 {
			g.cells[i+1] = ' '
		}
		g.cells[i] = ' '
	}
	g.cells[at] = r
	if width == 2 {
		g.cells[at+1] = 0
	}
	g.Col += width
	return nil
}

// obey carries out a control sequence. // ECMA-48, section 8.3
func (g *Glass) obey(parameters, final string) error {
	switch final {
	case "H": // CUP
		row, col, _ := strings.Cut(parameters, ";")
		g.Row, _ = strconv.Atoi(row)
		g.Col, _ = strconv.Atoi(col)
		g.Row--
		g.Col--
	case "J": // ED
		for i := range g.cells {
			g.cells[i] = ' '
		}
	case "m": // SGR
		g.SGR = append(g.SGR, parameters)
	case "h", "l": // SM, RM
		if parameters == "?25" {
			g.Cursor = final == "h"
		}
	default:
		return fmt.Errorf("sequence %q %q", parameters, final)
	}
	return nil
}

// Text is what is to be read on it, lines without blanks at their end.
func (g *Glass) Text() string {
	var b strings.Builder
	for row := range g.Rows {
		line := strings.ReplaceAll(string(g.cells[row*g.Columns:(row+1)*g.Columns]), "\x00", "")
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
