//go:build linux

package main

import (
	"strings"
	"sync"
	"time"

	"chordophone/board"
	"chordophone/hal"
)

// look is how often copper looks at the columns. The simulator does not say when
// they change.
const look = time.Millisecond

// hand moves the switches of a telephone.
type hand struct {
	*chip
	board *board.Board

	mu      sync.Mutex
	pressed map[hal.Key]bool // of the matrix
	moving  bool             // copper runs
}

func newHand(c *chip, b *board.Board) *hand {
	return &hand{chip: c, board: b, pressed: map[hal.Key]bool{}}
}

// hang puts the handset into its cradle, or takes it up.
func (h *hand) hang(resting bool) error { return h.pull(int(h.board.Hook.Line), !resting) }

// down presses a key of the matrix, up releases it.
func (h *hand) down(k hal.Key) { h.set(k, true) }
func (h *hand) up(k hal.Key)   { h.set(k, false) }

func (h *hand) set(k hal.Key, pressed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if pressed {
		h.pressed[k] = true
	} else {
		delete(h.pressed, k)
	}
	if !h.moving {
		h.moving = true
		go h.copper()
	}
}

// copper is what connects rows and columns while a key is pressed: a row is low if
// a path of pressed keys leads to a column that is driven low.
func (h *hand) copper() {
	pad := h.board.Keypad
	levels := make([]bool, len(pad.Rows)) // low
	for ; ; time.Sleep(look) {
		columns := make([]bool, len(pad.Cols))
		for c, l := range pad.Cols {
			columns[c] = !h.high(int(l))
		}
		h.mu.Lock()
		rows := make([]bool, len(pad.Rows))
		for range len(rows) + len(columns) { // the longest path
			for r := range rows {
				for c := range columns {
					if h.pressed[pad.Keys[r][c]] && (rows[r] || columns[c]) {
						rows[r], columns[c] = true, true
					}
				}
			}
		}
		for r, low := range rows {
			if low != levels[r] {
				levels[r] = low
				h.pull(int(pad.Rows[r]), !low)
			}
		}
		if len(h.pressed) == 0 {
			h.moving = false
			h.mu.Unlock()
			return
		}
		h.mu.Unlock()
	}
}

// lamp is whether a lamp shines.
func (h *hand) lamp(index int) bool {
	for _, l := range h.board.Lamps {
		if l.Index == index {
			return h.high(int(l.Line)) != l.ActiveLow
		}
	}
	return false
}

// bell is whether the ringer sounds.
func (h *hand) bell() bool { return h.high(int(h.board.Ringer.Line)) != h.board.Ringer.ActiveLow }

// film is the lamp, looked at 40 times a second: # while it shines.
func (h *hand) film(index int, long time.Duration) string {
	var s strings.Builder
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		if h.lamp(index) {
			s.WriteByte('#')
		} else {
			s.WriteByte('.')
		}
	}
	return s.String()
}
