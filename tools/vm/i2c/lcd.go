package i2c

import "strings"

// What the lines of a PCF8574 are connected to on the usual backpack; the upper four
// carry data.
const (
	registerSelect = 1 << 0
	readWrite      = 1 << 1
	enable         = 1 << 2
	backlight      = 1 << 3
)

// LCD is a glass of characters with an HD44780 behind a PCF8574.
type LCD struct {
	Columns int

	lines    byte // of the PCF8574
	four     bool // the controller takes halves
	half     byte
	halves   int
	address  int
	memory   [0x80]byte
	twoLines bool
	on       bool
}

// Forget is what a loss of power does.
func (l *LCD) Forget() { *l = LCD{Columns: l.Columns} }

// Write implements Chip: each octet is what the lines are from now on.
func (l *LCD) Write(message []byte) {
	for _, b := range message {
		if l.lines&enable != 0 && b&enable == 0 && l.lines&readWrite == 0 {
			l.take(l.lines)
		}
		l.lines = b
	}
}

// take takes what lay on the lines when enable fell. // HD44780U data sheet, figure 9
func (l *LCD) take(b byte) {
	if !l.four {
		l.octet(b&0xf0, b&registerSelect != 0)
		return
	}
	if l.halves++; l.halves == 1 {
		l.half = b & 0xf0
		return
	}
	l.halves = 0
	l.octet(l.half|b>>4, b&registerSelect != 0)
}

// octet takes a character or a command. // HD44780U data sheet, table 6
func (l *LCD) octet(b byte, character bool) {
	switch {
	case character:
		l.memory[l.address] = b
		l.address = (l.address + 1) % len(l.memory)
	case b&0x80 != 0:
		l.address = int(b & 0x7f)
	case b&0xe0 == 0x20:
		l.four, l.twoLines = b&0x10 == 0, b&0x08 != 0
	case b&0xf8 == 0x08:
		l.on = b&0x04 != 0
	case b == 1:
		l.address = 0
		for i := range l.memory {
			l.memory[i] = ' '
		}
	}
}

// Seen are the rows of text that somebody sees, of four, without the space behind them.
// Row three goes on where the first ends.
func (l *LCD) Seen() (rows [4]string) {
	if !l.on || l.lines&backlight == 0 {
		return rows
	}
	for i, at := range [...]int{0, 0x40, l.Columns, 0x40 + l.Columns} {
		if i%2 == 0 || l.twoLines {
			rows[i] = strings.TrimRight(string(l.memory[at:][:l.Columns]), " ")
		}
	}
	return rows
}
