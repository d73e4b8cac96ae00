package dashboard

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"chordophone/firmware/dashboard/dashtest"
)

// A terminal that is sent the differences shows what the model means, whatever was
// there before; and a screen that stays costs nothing.
func TestPainter(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	m, p, g := New(Terminal{}), NewPainter(false), dashtest.New(80, 24)
	keys := []Key{Tab, BackTab, Up, Down, ':', 'l', '佐', Left, Backspace, Escape, '?', Enter, PageDown, 'x', CtrlU}
	for range 800 {
		switch rng.IntN(8) {
		case 0:
			m.Step(Data{office(rng.IntN(24))})
		case 1:
			m.Step(Output{"a 佐藤 line that is long enough to be folded " + strings.Repeat("wide 佐 ", rng.IntN(20)) + "\n"})
		case 2:
			m.Step(Done{0})
		case 3:
			if rng.IntN(10) == 0 {
				cursor := g.Cursor
				g = dashtest.New(60+rng.IntN(80), 10+rng.IntN(40))
				g.Cursor = cursor
				m.Step(Resize{g.Columns, g.Rows})
			}
		default:
			m.Step(Press{keys[rng.IntN(len(keys))]})
		}
		s := m.View()
		if _, err := g.Write(p.Frame(s)); err != nil {
			t.Fatal(err)
		}
		if got, want := g.Text(), s.Text(); got != want {
			t.Fatalf("the terminal shows\n%s\ninstead of\n%s", got, want)
		}
		if g.Cursor != s.Typing || s.Typing && (g.Row != s.CursorRow || g.Col != s.CursorCol) {
			t.Fatalf("cursor %v %d,%d; want %v %d,%d", g.Cursor, g.Row, g.Col, s.Typing, s.CursorRow, s.CursorCol)
		}
		if again := p.Frame(m.View()); len(again) != 0 {
			t.Fatalf("nothing has changed, and %d octets are sent", len(again))
		}
	}
}

// Colours are the sixteen that all terminals have, and in mono there are none.
func TestColours(t *testing.T) {
	for _, mono := range []bool{false, true} {
		m, p, g := New(Terminal{Mono: mono}), NewPainter(mono), dashtest.New(80, 24)
		m.Step(Data{office(9)})
		g.Write(p.Frame(m.View()))
		coloured := false
		for _, sgr := range g.SGR {
			for code := range strings.SplitSeq(sgr, ";") {
				n, _ := strconv.Atoi(code)
				switch {
				case n == 0 || n == 1 || n == 7:
				case !mono && (n >= 30 && n <= 37 || n == 90):
					coloured = true
				default:
					t.Errorf("mono %v: SGR %s", mono, sgr)
				}
			}
		}
		if coloured == mono {
			t.Errorf("mono %v, coloured %v", mono, coloured)
		}
	}
}

// Without Unicode all signs are ASCII; what people are called is not ours to change.
func TestASCII(t *testing.T) {
	m := New(Terminal{ASCII: true})
	d := office(9)
	d.Phones[1].Name = "Zoe"
	m.Step(Data{d})
	for _, keys := range []string{"", "?", "x:help\r"} {
		for _, k := range keys {
			m.Step(Press{Key(k)})
		}
		for _, r := range m.View().Text() {
			if r > '~' {
				t.Errorf("%q is on the screen", r)
			}
		}
	}
}
