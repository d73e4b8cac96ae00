package pins

import (
	"time"

	"chordophone/board"
	"chordophone/hal"
)

// event is something that happened: one of the types below.
type event interface{ event() }

type (
	// woken says that an input has moved or that the time of Next has come.
	woken struct{}

	// levels answers probe: which rows and which single contacts are active.
	// Bit 0 is the first row, and the hook.
	levels struct {
		column         int
		rows, contacts uint64
	}
)

func (woken) event()  {}
func (levels) event() {}

// action is something to be done: one of the types below.
type action interface{ action() }

type (
	// probe drives a column, or all if it is rest, lets the others go, waits for
	// the lines to settle, reads all inputs and answers with levels.
	probe struct{ column int }

	// emit tells the telephone of a movement.
	emit struct{ hal.Event }
)

func (probe) action() {}
func (emit) action()  {}

// keyboard is all that a hand moves: the state machine between levels of lines and
// movements of keys. After Step the caller carries out the actions; a probe is
// always the last of them, and its answer the next event.
type keyboard struct {
	names  [][]hal.Key // of the matrix, [row][column]
	matrix matrix
	hook   hook
	keys   []key
	dial   *dial

	out []action
}

// key is one that has a line of its own.
type key struct {
	contact
	name hal.Key
}

// newKeyboard returns the keyboard of a board: nothing pressed, the handset in its
// cradle.
func newKeyboard(b *board.Board) *keyboard {
	k := &keyboard{
		names:  b.Keypad.Keys,
		matrix: newMatrix(len(b.Keypad.Rows), len(b.Keypad.Cols)),
		hook:   newHook(b.Hook.Flash),
	}
	for _, one := range b.Keys {
		k.keys = append(k.keys, key{contact{steady: keySteady}, one.Key})
	}
	if b.Dial != nil {
		d := newDial()
		k.dial = &d
	}
	return k
}

// Step takes what happened and returns what is to be done.
func (k *keyboard) Step(now time.Time, ev event) []action {
	k.out = nil
	switch ev := ev.(type) {
	case woken:
		if column, ok := k.matrix.woken(now); ok {
			k.out = append(k.out, probe{column})
		}
	case levels:
		k.singles(now, ev.contacts)
		up, down, next, ok := k.matrix.read(now, ev.column, ev.rows)
		for _, p := range up {
			k.emit(hal.Event{Key: k.names[p.row][p.column]})
		}
		for _, p := range down {
			k.emit(hal.Event{Key: k.names[p.row][p.column], Down: true})
		}
		if ok {
			k.out = append(k.out, probe{next})
		}
	}
	return k.out
}

// singles samples the contacts that have lines of their own, in the order of
// contacts.
func (k *keyboard) singles(now time.Time, active uint64) {
	k.emit(k.hook.sample(now, active&1 == 1)...)
	active >>= 1
	for i := range k.keys {
		if s := &k.keys[i]; s.sample(now, active&1 == 1) {
			k.emit(hal.Event{Key: s.name, Down: s.closed})
		}
		active >>= 1
	}
	if k.dial != nil {
		k.emit(k.dial.sample(now, active&1 == 1)...)
	}
}

// contacts are the inputs of a board that have lines of their own, in the order in
// which levels counts them.
func contacts(b *board.Board) []board.Input {
	all := []board.Input{b.Hook.Input}
	for _, one := range b.Keys {
		all = append(all, one.Input)
	}
	if b.Dial != nil {
		all = append(all, *b.Dial)
	}
	return all
}

func (k *keyboard) emit(events ...hal.Event) {
	for _, ev := range events {
		k.out = append(k.out, emit{ev})
	}
}

// Next is when Step wants to be woken, zero if only by an edge.
func (k *keyboard) Next() time.Time {
	if k.matrix.pause {
		return k.matrix.due // the walk samples all the rest as well
	}
	next := earliest(k.matrix.due, k.hook.next())
	for i := range k.keys {
		next = earliest(next, k.keys[i].next())
	}
	if k.dial != nil {
		next = earliest(next, k.dial.next())
	}
	return next
}

// letGo returns the movements of all keys that are down: nobody can tell any more.
// The hook stays where it is, for a call must not end with a wire.
func (k *keyboard) letGo() []hal.Event {
	var events []hal.Event
	for c, column := range k.matrix.grid {
		for r, one := range column {
			if one.closed {
				events = append(events, hal.Event{Key: k.names[r][c]})
			}
		}
	}
	for i := range k.keys {
		if k.keys[i].closed {
			events = append(events, hal.Event{Key: k.keys[i].name})
		}
		k.keys[i].contact = contact{steady: keySteady}
	}
	k.matrix = newMatrix(len(k.names), len(k.matrix.walk))
	if k.dial != nil {
		*k.dial = newDial()
	}
	return events
}
