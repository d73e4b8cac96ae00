//go:build linux

package main

import (
	"fmt"
	"slices"
	"time"

	"chordophone/hal"
)

// keys presses every key: each is told once, in order.
func (s *scene) keys() error {
	p, h := s.phones[0], s.hands[0]
	begin := time.Now()
	var want []string
	p.skip()
	for _, k := range hal.Digits {
		want = append(want, "down "+string(k), "up "+string(k))
		if err := s.tap(hal.Key(k)); err != nil {
			return err
		}
	}
	if err := h.pull(ownKey, false); err != nil {
		return err
	}
	want = append(want, "down r")
	if err := s.told("the recall key", want); err != nil {
		return err
	}
	if err := h.pull(ownKey, true); err != nil {
		return err
	}
	if err := s.told("all keys", append(want, "up r")); err != nil {
		return err
	}
	for range 2 { // # and D have opened the menu, and its volume
		if err := s.tap('*'); err != nil {
			return err
		}
	}
	say("%d keys of the matrix and one with a line of its own, each told once and in order, in %.1f s", len(hal.Digits), time.Since(begin).Seconds())
	return nil
}

// tap presses a key of the first telephone until it is told, and releases it.
func (s *scene) tap(k hal.Key) error {
	n := len(s.phones[0].moved())
	s.hands[0].down(k)
	if err := s.count(n + 1); err != nil {
		return fmt.Errorf("key %c: %w", k, err)
	}
	s.hands[0].up(k)
	if err := s.count(n + 2); err != nil {
		return fmt.Errorf("key %c: %w", k, err)
	}
	return nil
}

// count waits until the first telephone was told of n movements.
func (s *scene) count(n int) error {
	return until(fmt.Sprintf("%d movements", n), patience, func() bool { return len(s.phones[0].moved()) >= n })
}

// told checks what the first telephone was told since the last skip, and that
// nothing follows.
func (s *scene) told(what string, want []string) error {
	if err := s.count(len(want)); err != nil {
		return fmt.Errorf("%s: told %q, want %q", what, s.phones[0].moved(), want)
	}
	time.Sleep(700 * time.Millisecond)
	if got := s.phones[0].moved(); !slices.Equal(got, want) {
		return fmt.Errorf("%s: told %q, want %q", what, got, want)
	}
	return nil
}

// twoKeys holds one key while another, in the same row, is pressed and released.
func (s *scene) twoKeys() error {
	h := s.hands[0]
	s.phones[0].skip()
	h.down('4')
	if err := s.count(1); err != nil {
		return err
	}
	time.Sleep(3 * time.Second) // the second is found by looking ten times a second
	if err := s.tap('6'); err != nil {
		return err
	}
	h.up('4')
	if err := s.told("two keys", []string{"down 4", "down 6", "up 6", "up 4"}); err != nil {
		return err
	}
	say("a key that is held long, and another in its row")
	return nil
}

// ghost presses three corners of a rectangle.
func (s *scene) ghost() error {
	h := s.hands[0]
	s.phones[0].skip()
	for i, k := range []hal.Key{'1', '2', '5'} {
		h.down(k)
		if i < 2 {
			if err := s.count(i + 1); err != nil {
				return err
			}
		}
	}
	time.Sleep(1500 * time.Millisecond)
	h.up('2')
	if err := s.count(4); err != nil {
		return err
	}
	h.up('1')
	if err := s.count(5); err != nil {
		return err
	}
	h.up('5')
	if err := s.told("three corners", []string{"down 1", "down 2", "up 2", "down 5", "up 1", "up 5"}); err != nil {
		return err
	}
	say("three corners of a rectangle are told, the ghost at the fourth is not")
	return nil
}

// bounce lifts and replaces a handset whose switch bounces.
func (s *scene) bounce() error {
	h := s.hands[0]
	s.phones[0].skip()
	for _, up := range []bool{true, false} {
		for i := range 8 {
			if err := h.hang(up == (i%2 == 0)); err != nil {
				return err
			}
		}
		if err := h.hang(!up); err != nil {
			return err
		}
		time.Sleep(time.Second)
	}
	if err := s.told("a bouncing hook", []string{"off", "on"}); err != nil {
		return err
	}
	say("a hook switch that bounces moves once")
	return nil
}

// flash dips the hook for 300 ms, which no emulation makes shorter than 80 or longer
// than 600.
func (s *scene) flash() error {
	h := s.hands[0]
	s.phones[0].skip()
	steps := []struct {
		up   bool
		wait time.Duration
	}{{true, time.Second}, {false, 300 * time.Millisecond}, {true, time.Second}, {false, 1500 * time.Millisecond}}
	for _, step := range steps {
		if err := h.hang(!step.up); err != nil {
			return err
		}
		time.Sleep(step.wait)
	}
	if err := s.told("a flash", []string{"off", "down r", "up r", "on"}); err != nil {
		return err
	}
	say("a short dip of the hook is the recall key, a long one hangs up")
	return nil
}
