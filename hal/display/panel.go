package display

import (
	"errors"

	"chordophone/hal"
)

// With is a panel whose lines of text are shown on a display. It closes the display too.
func With(p hal.Panel, d *Display) hal.Panel { return &panel{p, d} }

type panel struct {
	hal.Panel
	display *Display
}

// Tell implements hal.Panel.
func (p *panel) Tell(n hal.Notice) {
	if l, ok := n.(hal.Lines); ok {
		p.display.Show(l.Lines)
	}
	p.Panel.Tell(n)
}

// Findings implements hal.Inspector.
func (p *panel) Findings() []hal.Finding {
	var all []hal.Finding
	if i, ok := p.Panel.(hal.Inspector); ok {
		all = i.Findings()
	}
	return append(all, p.display.Findings()...)
}

// Close implements hal.Panel.
func (p *panel) Close() error { return errors.Join(p.Panel.Close(), p.display.Close()) }
