//go:build linux

package main

import (
	"fmt"
	"time"

	"chordophone/tools/vm/measure"
)

// quiet is how long telephones at rest are measured, and keypadCost how much more
// often one with a keypad may wake, each second, in one of some tries.
const (
	quiet      = 30 * time.Second
	keypadCost = 5.0
	tries      = 5
)

// idle measures what the telephones cost while nobody touches them: the two that are
// an office, and beside them two that differ in nothing but the keypad, each an office
// of its own. How a telephone's timers happen to fall together makes some wake-ups each
// second more or less, from start to start; a keypad that were polled would wake its
// telephone for every look, whenever it was started.
func (s *scene) idle() error {
	for try := 1; ; try++ {
		more, err := s.pair(try)
		switch {
		case err != nil:
			return err
		case more <= keypadCost:
			say("a keypad at rest wakes nobody: no more than %.0f/s beside a telephone without one", keypadCost)
			return nil
		case try == tries:
			return fmt.Errorf("a keypad at rest costs %.1f wake-ups each second, more than %.0f: is it polled?", more, keypadCost)
		}
	}
}

// pair starts one telephone with a keypad and one without, and returns how much more often
// the first wakes each second.
func (s *scene) pair(try int) (more float64, err error) {
	all := s.phones[:]
	for i, keys := range []string{keypad, oneKey} {
		n := 2 + i
		name := fmt.Sprint(101 + n + 2*(try-1))
		file, b, err := writeBoard(name, n, keys)
		if err != nil {
			return 0, err
		}
		c, err := newChip(b.Chip)
		if err != nil {
			return 0, err
		}
		if err := newHand(c, b).hang(true); err != nil {
			return 0, err
		}
		p, err := startPhone(name, fmt.Sprintf("127.0.0.%d", 11+n), file, "--found", "vm"+name)
		if err != nil {
			return 0, err
		}
		if err := p.hears("tell ready", patience); err != nil {
			return 0, err
		}
		all = append(all, p)
	}
	time.Sleep(5 * time.Second)
	rates, err := rest(all)
	if err != nil {
		return 0, err
	}
	for _, p := range all[2:] {
		if err := p.end(); err != nil {
			return 0, err
		}
	}
	return rates[2].Wakes - rates[3].Wakes, nil
}

// rest measures telephones that nobody touches.
func rest(all []*phone) (rates []measure.Rate, err error) {
	before := make([]measure.Effort, len(all))
	for i, p := range all {
		p.skip()
		if before[i], err = p.effort(); err != nil {
			return nil, err
		}
	}
	time.Sleep(quiet)
	for i, p := range all {
		after, err := p.effort()
		if err != nil {
			return nil, err
		}
		rates = append(rates, after.Since(before[i], quiet))
		measured("at rest, %-36s %v", []string{
			"in an office of two, with a keypad:", "in an office of two, without one:", "alone, with a keypad:", "alone, without one:",
		}[i], rates[i])
		if moved := p.moved(); len(moved) > 0 {
			return nil, fmt.Errorf("%s at rest moved: %q", p.name, moved)
		}
	}
	return rates, nil
}
