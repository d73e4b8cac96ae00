package main

import (
	"sync"
	"time"

	"chordophone/board"
	"chordophone/hal"
	"chordophone/tools/vm/qemu"
)

// look is how often copper looks at the columns while a key is down: the machine
// does not say when it lets one go.
const look = 2 * time.Millisecond

// copper is what connects the rows and columns of a keypad: a row is low if a path of
// pressed keys leads to a column that is driven low.
type copper struct {
	pad  board.Keypad
	gpio *qemu.GPIO

	mu      sync.Mutex
	pressed map[hal.Key]bool
	low     []bool // rows
	moving  bool   // follow runs
	err     error  // what stopped it
}

// solder connects a keypad with its lines.
func solder(pad board.Keypad, gpio *qemu.GPIO) (*copper, error) {
	for _, r := range pad.Rows {
		if err := gpio.Pull(int(r), true); err != nil {
			return nil, err
		}
	}
	return &copper{pad: pad, gpio: gpio, pressed: map[hal.Key]bool{}, low: make([]bool, len(pad.Rows))}, nil
}

// press presses or releases a key.
func (c *copper) press(k hal.Key, down bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if down {
		c.pressed[k] = true
	} else {
		delete(c.pressed, k)
	}
	if !c.moving && c.err == nil {
		c.moving = true
		go c.follow()
	}
	return c.err
}

// follow pulls the rows to where keys and columns have them until no key is down.
func (c *copper) follow() {
	for done := false; !done; time.Sleep(look) {
		c.mu.Lock()
		c.err = c.settle()
		done = len(c.pressed) == 0 || c.err != nil
		c.moving = !done
		c.mu.Unlock()
	}
}

func (c *copper) settle() error {
	lines, err := c.gpio.Low()
	if err != nil {
		return err
	}
	columns, rows := make([]bool, len(c.pad.Cols)), make([]bool, len(c.pad.Rows))
	for i, l := range c.pad.Cols {
		columns[i] = lines[l]
	}
	for range len(rows) + len(columns) { // the longest path
		for r := range rows {
			for i := range columns {
				if c.pressed[c.pad.Keys[r][i]] && (rows[r] || columns[i]) {
					rows[r], columns[i] = true, true
				}
			}
		}
	}
	for r, low := range rows {
		if low == c.low[r] {
			continue
		}
		c.low[r] = low
		if err := c.gpio.Pull(int(c.pad.Rows[r]), !low); err != nil {
			return err
		}
	}
	return nil
}
