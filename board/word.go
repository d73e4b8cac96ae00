package board

import (
	"fmt"

	"chordophone/hal"
)

// Word is what a board file says of a line, so that somebody whose wire is wrong
// finds it there: "keypad rows=GPIO5". It is "" for a line that is not used.
func (b *Board) Word(l Line) string {
	for i, one := range [...][]Line{b.Keypad.Rows, b.Keypad.Cols} {
		for _, used := range one {
			if used == l {
				return fmt.Sprintf("keypad %s=%v", [...]string{"rows", "cols"}[i], l)
			}
		}
	}
	switch {
	case l == b.Hook.Line:
		return fmt.Sprintf("hook line=%v", l)
	case b.Dial != nil && b.Dial.Line == l:
		return fmt.Sprintf("dial line=%v", l)
	case b.Ringer != nil && b.Ringer.Line == l:
		return fmt.Sprintf("ringer line=%v", l)
	case b.Bell != nil && b.Bell.Line == l:
		return fmt.Sprintf("bell line=%v", l)
	case b.Amplifier != nil && b.Amplifier.Line == l:
		return fmt.Sprintf("amplifier line=%v", l)
	}
	for _, k := range b.Keys {
		if k.Line == l {
			return b.KeyWord(k.Key)
		}
	}
	for _, lamp := range b.Lamps {
		if lamp.Line == l || lamp.Red != nil && lamp.Red.Line == l {
			return b.LampWord(lamp.Index)
		}
	}
	return ""
}

// KeyWord is what a board file says of a key, "" if it has none of that name.
func (b *Board) KeyWord(k hal.Key) string {
	for r, row := range b.Keypad.Keys {
		for c, key := range row {
			if key == k {
				return fmt.Sprintf("keypad rows=%v cols=%v", b.Keypad.Rows[r], b.Keypad.Cols[c])
			}
		}
	}
	for _, one := range b.Keys {
		if one.Key == k {
			return fmt.Sprintf("key %s line=%v", keyName(k), one.Line)
		}
	}
	return ""
}

// LampWord is what a board file says of a lamp, "" if it has none of that number.
func (b *Board) LampWord(index int) string {
	for _, l := range b.Lamps {
		switch {
		case l.Index != index:
		case l.Red != nil:
			return fmt.Sprintf("lamp %s green=%v red=%v", hal.LampName(index), l.Line, l.Red.Line)
		default:
			return fmt.Sprintf("lamp %s line=%v", hal.LampName(index), l.Line)
		}
	}
	return ""
}

// AllKeys are the keys that a board has, those of the keypad first.
func (b *Board) AllKeys() []hal.Key {
	var all []hal.Key
	for _, row := range b.Keypad.Keys {
		all = append(all, row...)
	}
	for _, k := range b.Keys {
		all = append(all, k.Key)
	}
	return all
}
