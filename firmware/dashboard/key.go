package dashboard

import "unicode/utf8"

// Key is a key of the keyboard: a rune, or one of the constants.
type Key rune

const (
	Up Key = -1 - iota
	Down
	Left
	Right
	Home
	End
	PageUp
	PageDown
	Delete
	BackTab
)

// Keys that are control characters.
const (
	Tab       Key = '\t'
	Enter     Key = '\r'
	Escape    Key = 0x1b
	Backspace Key = 0x7f
	CtrlA     Key = 0x01
	CtrlD     Key = 0x04
	CtrlE     Key = 0x05
	CtrlL     Key = 0x0c
	CtrlU     Key = 0x15
)

// Decoder makes keys of what a terminal sends. // ECMA-48, section 5.4; xterm
type Decoder struct{ rest []byte }

// maxSequence bounds what is kept of a sequence that does not end.
const maxSequence = 16

// Feed takes octets and returns the keys that are complete.
func (d *Decoder) Feed(p []byte) (keys []Key) {
	d.rest = append(d.rest, p...)
	for len(d.rest) > 0 {
		key, n := next(d.rest)
		if n == 0 {
			if len(d.rest) > maxSequence {
				d.rest = nil
			}
			break
		}
		if key != 0 {
			keys = append(keys, key)
		}
		d.rest = d.rest[n:]
	}
	return keys
}

// Flush takes what began as a sequence and did not go on: the key Escape.
func (d *Decoder) Flush() (keys []Key) {
	if len(d.rest) > 0 && d.rest[0] == byte(Escape) {
		keys = []Key{Escape}
	}
	d.rest = nil
	return keys
}

// Pending reports whether Flush is to be called if nothing comes for a while.
func (d *Decoder) Pending() bool { return len(d.rest) > 0 }

// next is the first key of p and its length: 0 if it is not complete. Key 0 is none
// that is known.
func next(p []byte) (Key, int) {
	if p[0] != byte(Escape) {
		if !utf8.FullRune(p) {
			return 0, 0
		}
		r, n := utf8.DecodeRune(p)
		switch {
		case r == '\n':
			return Enter, n
		case r == '\b':
			return Backspace, n
		case r == utf8.RuneError && n == 1:
			return 0, 1
		}
		return Key(r), n
	}
	if len(p) == 1 {
		return 0, 0
	}
	switch p[1] {
	case '[':
		return control(p)
	case 'O':
		if len(p) < 3 {
			return 0, 0
		}
		return final(p[2]), 3
	case byte(Escape):
		return Escape, 1
	}
	return 0, 2 // Alt with a key
}

// control reads a control sequence: ESC [ parameters final.
func control(p []byte) (Key, int) {
	for i := 2; i < len(p); i++ {
		c := p[i]
		switch {
		case c < 0x20 || c > 0x7e:
			return 0, i // not a sequence after all
		case c < 0x40:
			continue
		case c == '~':
			return tilde(string(p[2:i])), i + 1
		}
		return final(c), i + 1
	}
	return 0, 0
}

func final(c byte) Key {
	switch c {
	case 'A':
		return Up
	case 'B':
		return Down
	case 'C':
		return Right
	case 'D':
		return Left
	case 'H':
		return Home
	case 'F':
		return End
	case 'Z':
		return BackTab
	}
	return 0
}

func tilde(parameter string) Key {
	switch parameter {
	case "1", "7":
		return Home
	case "4", "8":
		return End
	case "3":
		return Delete
	case "5":
		return PageUp
	case "6":
		return PageDown
	}
	return 0
}
