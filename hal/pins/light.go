package pins

import (
	"time"

	"chordophone/board"
	"chordophone/hal"
)

// role is what an output is for.
type role struct {
	kind   kind
	lamp   int // lamps: index into hal.Picture
	colour hal.Colour
}

type kind uint8

const (
	lamp      kind = iota
	bell           // the ringer, and a bell elsewhere
	amplifier      // on while there is something to hear
)

// out is one output of a board and its role.
type out struct {
	board.Output
	role
}

// outputs are all outputs of a board: the lights of its lamps in the board's order,
// then what sounds.
func outputs(b *board.Board) []out {
	var all []out
	for _, l := range b.Lamps {
		if l.Red == nil {
			all = append(all, out{l.Output, role{lamp, l.Index, hal.Single}})
			continue
		}
		all = append(all, out{l.Output, role{lamp, l.Index, hal.Green}}, out{*l.Red, role{lamp, l.Index, hal.Red}})
	}
	for _, o := range [...]*board.Output{b.Ringer, b.Bell} {
		if o != nil {
			all = append(all, out{*o, role{kind: bell}})
		}
	}
	if b.Amplifier != nil {
		all = append(all, out{*b.Amplifier, role{kind: amplifier}})
	}
	return all
}

// lights are what the outputs of a board show.
type lights struct {
	roles   []role
	picture hal.Picture
	origin  time.Time // when the lamps began
	rung    time.Time // when the bell began, zero while it is silent
	lifted  bool
}

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
func (l *lights) output(i int) (hal.Pattern, time.Time) {
	r := l.roles[i]
	switch {
	case r.kind == lamp:
		return l.picture[r.lamp].Pattern(r.colour), l.origin
	case r.kind == amplifier && (l.lifted || !l.rung.IsZero()):
		return hal.On.Pattern(hal.Single), l.origin
	case r.kind == bell && !l.rung.IsZero():
		return hal.Bell, l.rung
	}
	return hal.Off.Pattern(hal.Single), l.origin
}

// on is whether an output is on.
func (l *lights) on(now time.Time, i int) bool {
	p, since := l.output(i)
	return p.At(stepAt(now, since))
}

// Next is when the first of the outputs changes, zero if none does.
func (l *lights) Next(now time.Time) time.Time {
	var next time.Time
	for i := range l.roles {
		p, since := l.output(i)
		step := stepAt(now, since)
		for later := step + 1; later <= step+hal.Period; later++ {
			if p.At(later) != p.At(step) {
				next = earliest(next, since.Add(time.Duration(later)*hal.Blink))
				break
			}
		}
	}
	return next
}

func stepAt(now, since time.Time) int { return int(now.Sub(since) / hal.Blink) }
