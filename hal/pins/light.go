package pins

import (
	"time"

	"chordophone/hal"
)

// blink is the step in which lamps and bell move.
const blink = 125 * time.Millisecond

// pattern says in which steps of a period an output is on: bit 0 is the first.
type pattern struct {
	steps int
	on    uint64
}

// patterns are what the signals look like.
var patterns = [...]pattern{
	hal.Off:   {1, 0},
	hal.On:    {1, 1},
	hal.Wink:  {8, 0b01111111},
	hal.Flash: {2, 0b01},
	hal.Blip:  {16, 0b1},
}

// bell is ETSI's ringing cadence: one second in five.
var bell = pattern{40, 0b11111111}

// period is a multiple of the steps of all patterns.
const period = 80

// at is whether the output is on in a step.
func (p pattern) at(step int) bool { return p.on>>(step%p.steps)&1 == 1 }

// lights are the outputs of a board: its lamps in the board's order, then the
// ringer.
type lights struct {
	lamps   []int // index into hal.Picture
	picture hal.Picture
	origin  time.Time // when the lamps began
	rung    time.Time // when the bell began, zero while it is silent
}

// outputs is how many there are.
func (l *lights) outputs() int { return len(l.lamps) + 1 }

// ring starts or stops the bell.
func (l *lights) ring(now time.Time, on bool) {
	switch {
	case !on:
		l.rung = time.Time{}
	case l.rung.IsZero():
		l.rung = now
	}
}

// output is the pattern of an output and when it began.
func (l *lights) output(i int) (pattern, time.Time) {
	switch {
	case i < len(l.lamps):
		return patterns[l.picture[l.lamps[i]]], l.origin
	case l.rung.IsZero():
		return patterns[hal.Off], l.origin
	default:
		return bell, l.rung
	}
}

// on is whether an output is on.
func (l *lights) on(now time.Time, i int) bool {
	p, since := l.output(i)
	return p.at(stepAt(now, since))
}

// Next is when the first of the outputs changes, zero if none does.
func (l *lights) Next(now time.Time) time.Time {
	var next time.Time
	for i := range l.outputs() {
		p, since := l.output(i)
		step := stepAt(now, since)
		for later := step + 1; later <= step+period; later++ {
			if p.at(later) != p.at(step) {
				next = earliest(next, since.Add(time.Duration(later)*blink))
				break
			}
		}
	}
	return next
}

func stepAt(now, since time.Time) int { return int(now.Sub(since) / blink) }
