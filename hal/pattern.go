package hal

import "time"

// Blink is the step in which lamps and bells move.
const Blink = 125 * time.Millisecond

// Period is how many steps it takes until all patterns together begin anew.
const Period = 80

// Pattern says in which of so many steps a light or a bell is on: bit 0 is the first.
type Pattern struct {
	Steps int
	On    uint64
}

// At is whether it is on in a step.
func (p Pattern) At(step int) bool { return p.On>>(step%p.Steps)&1 == 1 }

// patterns are what the signals look like, here and nowhere else. Ringing is fast,
// held and waiting are slow, as on the desk phones that people know.
var patterns = [...]Pattern{
	Off:    {1, 0},
	On:     {1, 1},
	Wink:   {8, 0b01111111},
	Flash:  {2, 0b01},
	Blip:   {16, 0b1},
	Free:   {1, 1},
	Island: {16, 0b101},
}

// Bell is ETSI's ringing cadence: one second in five.
var Bell = Pattern{40, 0b11111111}

// Colour is a light of a lamp.
type Colour uint8

const (
	Single Colour = iota // the lamp has one light
	Green
	Red
)

// Pattern is what a light shows of a signal. A lamp of two colours is green when
// somebody is free and red for all else; one of a single colour is dark then.
func (s Signal) Pattern(c Colour) Pattern {
	if (s == Free) != (c == Green) {
		return patterns[Off]
	}
	return patterns[s]
}
