//go:build linux

package main

import (
	"fmt"
	"strings"
	"time"

	"chordophone/hal"
)

// What a telephone's log says of calls.
const (
	connected = `state\":\"connected`
	ended     = `state\":\"ended`
)

// call calls the second telephone from the first.
func (s *scene) call() error {
	a, b := s.hands[0], s.hands[1]
	line := func(h *hand, on bool) func() bool {
		return func() bool { return h.lamp(hal.LampLine) == on }
	}
	dark := func(h *hand) bool { return !strings.Contains(h.film(hal.LampLine, time.Second), "#") }
	if !dark(a) || !dark(b) {
		return fmt.Errorf("the line's lamp shines at rest")
	}
	if err := a.hang(false); err != nil {
		return err
	}
	if err := until("the lamp of 101 shines when it is lifted", patience, line(a, true)); err != nil {
		return err
	}
	s.phones[0].skip()
	for _, k := range "102#" {
		if err := s.tap(hal.Key(k)); err != nil {
			return err
		}
	}
	if err := until("102 rings", patience, b.bell); err != nil {
		return err
	}
	film := b.film(hal.LampLine, 4*time.Second)
	if n := strings.Count(film, ".#"); n < 5 {
		return fmt.Errorf("the lamp of 102 does not flash: %s", film)
	}
	if err := until("the bell of 102 pauses", patience, func() bool { return !b.bell() }); err != nil {
		return err
	}
	if err := until("the bell of 102 rings again", patience, b.bell); err != nil {
		return err
	}
	s.phones[1].skip()
	if err := b.hang(false); err != nil {
		return err
	}
	if err := s.phones[1].hears(connected, patience); err != nil {
		return err
	}
	if err := until("the bell of 102 is silent", patience, func() bool { return !b.bell() }); err != nil {
		return err
	}
	for i, h := range s.hands {
		if film := h.film(hal.LampLine, time.Second); strings.Contains(film, ".") {
			return fmt.Errorf("the lamp of %s does not shine in the call: %s", extensions[i], film)
		}
		if h.lamp(hal.LampMessage) {
			return fmt.Errorf("the message lamp of %s shines, which is active when low", extensions[i])
		}
	}
	say("a call: lifted, dialled, rung, answered; lamps and bell as they should be")
	if err := s.talk(); err != nil {
		return err
	}
	if err := a.hang(true); err != nil {
		return err
	}
	if err := s.phones[1].hears(ended, patience); err != nil {
		return err
	}
	if err := b.hang(true); err != nil {
		return err
	}
	for i, h := range s.hands {
		if err := until("the lamp of "+extensions[i]+" goes out", patience, func() bool { return dark(h) }); err != nil {
			return err
		}
	}
	say("hung up: all lamps are dark")
	return nil
}

// talk lets both sides speak at once and hears what arrives.
func (s *scene) talk() error {
	const long = 4 * time.Second
	tones := [2]float64{1000, 700}
	var ears [2]*ear
	var mouths [2]*mouth
	for i := range ears {
		var err error
		if ears[i], err = listen(i); err != nil {
			return err
		}
		defer ears[i].close()
		if mouths[i], err = speak(i, tones[i]); err != nil {
			return err
		}
	}
	time.Sleep(time.Second)
	for _, e := range ears {
		e.forget()
	}
	time.Sleep(long)
	var shares, levels, lengths [2]float64
	for i, e := range ears {
		shares[i] = e.hears(tones[1-i], tones[i])
		levels[i], lengths[i] = e.level(tones[1-i])
	}
	for _, m := range mouths {
		if err := m.shut(); err != nil {
			return err
		}
	}
	for i, share := range shares {
		if share < 0.8 {
			s.phones[i].tells("sound")
			return fmt.Errorf("%s hears what the other says in %.0f %% of %v only: %.1f s came, the tone in it with an amplitude of %.0f at best, not %d",
				extensions[i], 100*share, long, lengths[i], levels[i], loudness)
		}
	}
	say("both speak at once through the sound cards: heard at the right level, and not one's own voice, in %.0f and %.0f %% of %v",
		100*shares[0], 100*shares[1], long)
	return nil
}
