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
	if b.Chip != "" {
		fmt.Fprintf(w, "  chip\t%s\n", b.Chip)
	}
	fmt.Fprintln(w, "  part\tline\theader\tconnection")
	row("hook switch", b.Hook.Line, b.Hook.connection("while the handset rests"))
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
	for _, k := range b.Keys {
		name := string(rune(k.Key))
		if k.Key == hal.Recall {
			name = recall
		}
		row("key "+name, k.Line, k.connection("while it is pressed"))
	}
	if b.Dial != nil {
		row("rotary dial", b.Dial.Line, b.Dial.connection("during a pulse"))
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

// connection says what the contact does while it is active.
func (i Input) connection(active string) string {
	toGround := i.Pull == PullUp || i.Pull == PullNone && i.ActiveLow
	to := "3.3 V"
	if toGround {
		to = "ground"
	}
	s := "contact to " + to + ", closed " + active
	if toGround != i.ActiveLow {
		s = "contact to " + to + ", open " + active
	}
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
