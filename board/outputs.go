package board

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"chordophone/hal"
)

func (p *parser) lamp(args []string) error {
	if len(args) == 0 || strings.Contains(args[0], "=") {
		return errors.New("the lamp's name is missing")
	}
	i := 0
	for i < hal.Lamps && hal.LampName(i) != args[0] {
		i++
	}
	if i == hal.Lamps {
		return fmt.Errorf("there is no lamp %q, only line, message and contact1 to %s", args[0], hal.LampName(hal.Lamps-1))
	}
	if !slices.ContainsFunc(args[1:], isColour) {
		out, err := p.output(args[1:], "lamp "+args[0], "brightness")
		if err == nil {
			p.board.Lamps = append(p.board.Lamps, Lamp{Index: i, Output: out})
		}
		return err
	}
	green, red, err := p.colours(args[1:], "lamp "+args[0])
	if err == nil {
		p.board.Lamps = append(p.board.Lamps, Lamp{i, green, &red})
	}
	return err
}

func isColour(word string) bool {
	return strings.HasPrefix(word, "green=") || strings.HasPrefix(word, "red=")
}

// colours reads the two lights of a lamp.
func (p *parser) colours(args []string, user string) (green, red Output, err error) {
	f, err := fieldsOf(args, "green", "red", "active")
	if err != nil {
		return green, red, err
	}
	if f["green"] == "" || f["red"] == "" {
		return green, red, errors.New("a lamp of two colours has green= and red=")
	}
	if green.ActiveLow, err = activeLow(f, false); err != nil {
		return green, red, err
	}
	red.ActiveLow = green.ActiveLow
	if green.Line, err = p.claim(f["green"], user); err != nil {
		return green, red, err
	}
	red.Line, err = p.claim(f["red"], user)
	return green, red, err
}

func (p *parser) ringer(args []string) error {
	i := slices.IndexFunc(args, func(word string) bool { return strings.HasPrefix(word, "device=") })
	if i >= 0 {
		device := strings.TrimPrefix(args[i], "device=")
		if !deviceForm.MatchString(device) {
			return fmt.Errorf("device=%s is not an ALSA device such as hw:1,0", device)
		}
		p.board.RingerDevice = device
		if args = slices.Delete(slices.Clone(args), i, i+1); len(args) == 0 {
			return nil
		}
	}
	return p.single(&p.board.Ringer, args, "the ringer", "tone")
}

func (p *parser) bell(args []string) error {
	return p.single(&p.board.Bell, args, "the bell")
}

func (p *parser) amplifier(args []string) error {
	return p.single(&p.board.Amplifier, args, "the amplifier")
}

// single reads an output that a board has once.
func (p *parser) single(at **Output, args []string, user string, more ...string) error {
	out, err := p.output(args, user, more...)
	if err == nil {
		*at = &out
	}
	return err
}

// output reads the fields of an output; more are those it may have besides.
func (p *parser) output(args []string, user string, more ...string) (out Output, err error) {
	f, err := fieldsOf(args, append([]string{"line", "active"}, more...)...)
	if err != nil {
		return out, err
	}
	if out.ActiveLow, err = activeLow(f, false); err != nil {
		return out, err
	}
	if out.Line, err = p.line(f, user); err != nil {
		return out, err
	}
	out.PWM, err = pulses(f, out.Line, p.lines.elsewhere)
	return out, err
}
