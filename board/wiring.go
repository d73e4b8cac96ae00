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
		where := fmt.Sprintf("line %d", int(l)) // of the chip
		if onHeader(b.Chip) {
			where = fmt.Sprintf("pin %d", l.Pin())
		}
		fmt.Fprintf(w, "  %s\t%v\t%s\t%s\n", what, l, where, how)
	}
	if b.Chip != "" {
		fmt.Fprintf(w, "  chip\t%s\n", b.Chip)
	}
	heading := "header"
	if !onHeader(b.Chip) {
		heading = "chip"
	}
	fmt.Fprintf(w, "  part\tline\t%s\tconnection\n", heading)
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
		row("key "+keyName(k.Key), k.Line, k.connection("while it is pressed"))
	}
	if b.Dial != nil {
		row("rotary dial", b.Dial.Line, b.Dial.connection("during a pulse"))
	}
	for _, l := range b.Lamps {
		what, how := "lamp "+hal.LampName(l.Index), "LED and 1 kohm"
		if l.Red != nil {
			row(what+", green", l.Line, l.connection(how))
			row(what+", red", l.Red.Line, l.Red.connection(how))
			continue
		}
		row(what, l.Line, l.connection(how))
	}
	if b.Ringer != nil {
		row("ringer", b.Ringer.Line, b.Ringer.connection("buzzer through a transistor"))
	}
	if b.Bell != nil {
		row("bell", b.Bell.Line, b.Bell.connection("relay through a transistor"))
	}
	if b.Amplifier != nil {
		row("amplifier", b.Amplifier.Line, b.Amplifier.level("on"))
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
		ear := "earpiece"
		if a.Speaker {
			ear = "loudspeaker"
		}
		fmt.Fprintf(w, "  %s\t%s\tUSB or HAT\t%d Hz\n", ear, a.Playback, a.Rate)
	}
	if b.RingerDevice != "" {
		fmt.Fprintf(w, "  ringer\t%s\tUSB or HAT\n", b.RingerDevice)
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
	to := " to ground"
	if o.ActiveLow {
		to = " to 3.3 V"
	}
	switch {
	case o.PWM == (PWM{}):
		return part + to
	case o.PWM.Hertz == lampHertz:
		return fmt.Sprintf("%s%s, at %d %%", part, to, o.PWM.Duty)
	}
	return fmt.Sprintf("%s%s, sounding at %d Hz", part, to, o.PWM.Hertz)
}

// level says at which level of the line the thing is in a state.
func (o Output) level(state string) string {
	if o.ActiveLow {
		return state + " while the line is low"
	}
	return state + " while the line is high"
}

// keyName is a key in the words of a board file.
func keyName(k hal.Key) string {
	switch k {
	case hal.Recall:
		return recall
	case hal.Louder:
		return louder
	case hal.Softer:
		return softer
	case '#':
		return hash
	}
	if i, ok := k.Contact(); ok {
		return hal.LampName(hal.LampContact + i)
	}
	return string(rune(k))
}

func letters(keys []hal.Key) string {
	var s []string
	for _, k := range keys {
		s = append(s, string(rune(k)))
	}
	return strings.Join(s, " ")
}
