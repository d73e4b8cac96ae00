package board

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"chordophone/hal"
)

// Wiring says in a table what to solder where.
func (b *Board) Wiring() string {
	var s strings.Builder
	fmt.Fprintf(&s, "board %s\n", b.Name)
	if b.Virtual {
		s.WriteString("no wires: its sound is named by --mic and --ear\n")
		return s.String()
	}
	w := tabwriter.NewWriter(&s, 0, 0, 2, ' ', 0)
	row := func(what string, l Line, how string) {
		fmt.Fprintf(w, "  %s\t%v\tpin %d\t%s\n", what, l, l.Pin(), how)
	}
	fmt.Fprintln(w, "  part\tline\theader\tconnection")
	row("hook switch", b.Hook.Line, b.Hook.connection())
	for i, l := range b.Keypad.Rows {
		row(fmt.Sprintf("keypad row %d", i+1), l, "keys "+letters(b.Keypad.Keys[i]))
	}
	for i, l := range b.Keypad.Cols {
		var col []hal.Key
		for _, r := range b.Keypad.Keys {
			col = append(col, r[i])
		}
		row(fmt.Sprintf("keypad column %d", i+1), l, "keys "+letters(col)+", through a diode or 1 kohm")
	}
	for _, l := range b.Lamps {
		row("lamp "+hal.LampName(l.Index), l.Line, l.connection("LED and 1 kohm"))
	}
	if b.Ringer != nil {
		row("ringer", b.Ringer.Line, b.Ringer.connection("buzzer through a transistor"))
	}
	if d := b.Display; d != nil {
		where := "see the bus"
		if d.Bus == 1 {
			where = "pins 3, 5"
		}
		fmt.Fprintf(w, "  display\tI2C %d\t%s\t%s at %#x, %d lines of %d\n", d.Bus, where, d.Driver, d.Address, d.Lines, d.Columns)
	}
	if a := b.Audio; a != nil {
		fmt.Fprintf(w, "  microphone\t%s\tUSB or HAT\t%d Hz\n", a.Capture, a.Rate)
		fmt.Fprintf(w, "  earpiece\t%s\tUSB or HAT\t%d Hz\n", a.Playback, a.Rate)
	}
	w.Flush()
	return s.String()
}

func (i Input) connection() string {
	to := "3.3 V"
	if i.ActiveLow {
		to = "ground"
	}
	s := "closed to " + to + " while the handset rests"
	if i.Pull == PullNone {
		s += ", with a resistor of its own"
	}
	return s
}

func (o Output) connection(part string) string {
	if o.ActiveLow {
		return part + " to 3.3 V"
	}
	return part + " to ground"
}

func letters(keys []hal.Key) string {
	var s []string
	for _, k := range keys {
		s = append(s, string(rune(k)))
	}
	return strings.Join(s, " ")
}
