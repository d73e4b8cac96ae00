package pins

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chordophone/board"
	"chordophone/hal"
)

const telephone = `name bench
keypad rows=GPIO5,GPIO6,GPIO7,GPIO8 cols=GPIO16,GPIO22,GPIO23,GPIO24 keys=123A/456B/789C/*0#D
hook line=GPIO4
key recall line=GPIO17
lamp line line=GPIO25
lamp message line=GPIO26
ringer line=GPIO12
`

// without is telephone without some of its lines.
func without(words ...string) string {
	var kept []string
	for _, l := range strings.Split(telephone, "\n") {
		drop := false
		for _, w := range words {
			drop = drop || strings.HasPrefix(l, w)
		}
		if !drop {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "\n")
}

func mustBoard(t testing.TB, text string) *board.Board {
	b, err := board.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// switches are the switches of a board as they stand: copper without a program.
type switches struct {
	board    *board.Board
	closed   map[place]bool
	contacts uint64 // active
	driven   int
}

func newSwitches(b *board.Board) *switches {
	return &switches{board: b, closed: map[place]bool{}, contacts: 1, driven: rest}
}

// rows are the rows that are low: those with a path of closed keys to a column that
// is driven. There are no diodes.
func (s *switches) rows() (low uint64) {
	var columns uint64
	for c := range s.board.Keypad.Cols {
		if s.driven == rest || s.driven == c {
			columns |= 1 << c
		}
	}
	for range 8 { // the longest path
		for p, closed := range s.closed {
			if closed && (columns>>p.column&1 == 1 || low>>p.row&1 == 1) {
				columns |= 1 << p.column
				low |= 1 << p.row
			}
		}
	}
	return low
}

// place is where a key is in the matrix, ok if it is there.
func (s *switches) place(name hal.Key) (place, bool) {
	for r, row := range s.board.Keypad.Keys {
		for c, k := range row {
			if k == name {
				return place{r, c}, true
			}
		}
	}
	return place{}, false
}

// move closes or opens a switch: h is the hook, r the recall key, p the dial's.
func (s *switches) move(name hal.Key, closed bool) {
	if p, ok := s.place(name); ok {
		s.closed[p] = closed
		return
	}
	bit := 0
	for i, k := range s.board.Keys {
		if k.Key == name {
			bit = 1 + i
		}
	}
	if name == 'p' {
		bit = 1 + len(s.board.Keys)
	}
	s.contacts &^= 1 << bit
	if closed {
		s.contacts |= 1 << bit
	}
}

// bench is a keyboard, its switches and virtual time.
type bench struct {
	*switches
	keyboard *keyboard
	now      time.Time
	probes   int
	wakes    int
	emitted  func(hal.Event)
}

var begin = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newBench(t testing.TB, text string, emitted func(hal.Event)) *bench {
	b := mustBoard(t, text)
	n := &bench{switches: newSwitches(b), keyboard: newKeyboard(b), now: begin, emitted: emitted}
	n.carry([]action{probe{rest}})
	return n
}

func (b *bench) carry(actions []action) {
	for len(actions) > 0 {
		var again []action
		for _, a := range actions {
			switch a := a.(type) {
			case emit:
				b.emitted(a.Event)
			case probe:
				b.probes++
				if b.driven != a.column {
					b.driven = a.column
					b.now = b.now.Add(b.board.Keypad.Settle)
				}
				again = b.keyboard.Step(b.now, levels{a.column, b.rows(), b.contacts})
			}
		}
		actions = again
	}
}

func (b *bench) woken() {
	b.wakes++
	b.carry(b.keyboard.Step(b.now, woken{}))
}

// until lets time pass.
func (b *bench) until(at time.Time) {
	for {
		next := b.keyboard.Next()
		if next.IsZero() || next.After(at) {
			break
		}
		if next.After(b.now) {
			b.now = next
		}
		before := b.probes
		b.woken()
		if b.probes == before && !b.keyboard.Next().After(b.now) {
			panic("the keyboard wants to be woken for nothing")
		}
	}
	if at.After(b.now) {
		b.now = at
	}
}

// press moves a switch; if a line moves with it, the keyboard is woken.
func (b *bench) press(name hal.Key, closed bool) {
	rows, contacts := b.rows(), b.contacts
	b.move(name, closed)
	if b.rows() != rows || b.contacts != contacts {
		b.woken()
	}
}

func named(ev hal.Event) string {
	name := string(rune(ev.Key))
	switch ev.Key {
	case hal.Hook:
		name = "hook"
	case hal.Recall:
		name = "recall"
	}
	if ev.Down {
		return name + " down"
	}
	return name + " up"
}

func (b *bench) since() string { return fmt.Sprint(b.now.Sub(begin).Round(time.Millisecond)) }
