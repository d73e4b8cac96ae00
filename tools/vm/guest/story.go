//go:build linux

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"chordophone/board"
	"chordophone/hal"
)

// settle is long because the copper of this machine is a program: it sees a column
// within some 10 ms in an emulated processor. The hook has no pull because the
// simulator takes one for a hand and would lift the handset.
const boardText = `name %s
chip label=%[1]s
keypad rows=GPIO5,GPIO6,GPIO7,GPIO8 cols=GPIO16,GPIO22,GPIO23,GPIO24 keys=123A/456B/789C/*0#D settle=30ms
hook line=GPIO4 pull=none
key recall line=GPIO17
lamp line line=GPIO25
lamp message line=GPIO26 active=low
ringer line=GPIO12
`

// patience is for what takes a moment; nothing faster than 100 ms is asserted here.
const patience = 20 * time.Second

// scene is the two telephones and the hands at them.
type scene struct {
	phones [2]*phone
	hands  [2]*hand
}

var extensions = [2]string{"101", "102"}

// play plays the whole story.
func play() error {
	var s scene
	for _, step := range []func() error{
		s.start, s.keys, s.twoKeys, s.ghost, s.bounce, s.flash, s.call, s.idle, s.unplug,
	} {
		if err := step(); err != nil {
			for _, p := range s.phones {
				if p != nil {
					p.last(15)
				}
			}
			return err
		}
	}
	return s.end()
}

// start starts both telephones; the chip of the second comes late.
func (s *scene) start() error {
	for i, name := range extensions {
		text := fmt.Sprintf(boardText, "phone-"+name)
		file := "/tmp/" + name + ".board"
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
		b, err := board.Open(file)
		if err != nil {
			return err
		}
		args := []string{"--pairing-code", "4821-9375"}
		if i == 0 {
			c, err := newChip(b.Chip)
			if err != nil {
				return err
			}
			s.hands[0] = newHand(c, b)
			if err := s.hands[0].hang(true); err != nil {
				return err
			}
			args = append(args, "--found", "vm")
		} else {
			args = append(args, "--join", "4821-9375", "--peer", "127.0.0.11")
		}
		if s.phones[i], err = startPhone(name, fmt.Sprintf("127.0.0.%d", 11+i), file, args...); err != nil {
			return err
		}
		if i == 0 {
			if err := s.phones[0].hears("tell ready", patience); err != nil {
				return err
			}
			measured("the first telephone is ready")
			continue
		}
		if err := s.phones[1].hears("no GPIO chip phone-102, only ", patience); err != nil {
			return err
		}
		if err := s.phones[1].hears("tell ready", patience); err != nil {
			return err
		}
		say("a telephone without its GPIO chip says so and joins the office all the same")
		c, err := newChip(b.Chip)
		if err != nil {
			return err
		}
		s.hands[1] = newHand(c, b)
		if err := s.hands[1].hang(true); err != nil {
			return err
		}
		if err := s.phones[1].hears("the GPIO lines are back", patience); err != nil {
			return err
		}
		say("the chip comes, the telephone finds it")
	}
	time.Sleep(time.Second)
	for i, p := range s.phones {
		p.skip()
		if moved := p.moved(); len(moved) > 0 {
			return fmt.Errorf("%s: nobody touches it, and yet %q", extensions[i], moved)
		}
	}
	measured("both telephones are ready")
	return nil
}

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
	if err := h.pull(17, false); err != nil {
		return err
	}
	want = append(want, "down r")
	if err := s.told("the recall key", want); err != nil {
		return err
	}
	if err := h.pull(17, true); err != nil {
		return err
	}
	if err := s.told("all keys", append(want, "up r")); err != nil {
		return err
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
	dialled := time.Now()
	if err := until("102 rings", patience, b.bell); err != nil {
		return err
	}
	measured("102 rings %d ms after the last key", time.Since(dialled).Milliseconds())
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
	lifted := time.Now()
	if err := s.phones[1].hears(`state\":\"connected`, patience); err != nil {
		return err
	}
	measured("102 is connected %d ms after it was lifted", time.Since(lifted).Milliseconds())
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
	if err := a.hang(true); err != nil {
		return err
	}
	if err := s.phones[1].hears(`state\":\"ended`, patience); err != nil {
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

// idle measures what the telephones cost while nobody touches them, beside a third
// one that has no GPIO lines at all.
func (s *scene) idle() error {
	const long = 20 * time.Second
	bare, err := startPhone("103", "127.0.0.13", "pipe", "--join", "4821-9375", "--peer", "127.0.0.11")
	if err != nil {
		return err
	}
	if err := bare.hears("tell ready", patience); err != nil {
		return err
	}
	time.Sleep(5 * time.Second)
	all := append(s.phones[:], bare)
	before := make([]effort, len(all))
	for i, p := range all {
		p.skip()
		before[i] = p.effort()
	}
	time.Sleep(long)
	for i, p := range all {
		after := p.effort()
		measured("%s at rest: %.1f wake-ups/s of all its threads, %.2f %% of the emulated processor", p.name,
			float64(after.wakes-before[i].wakes)/long.Seconds(), 100*(after.cpu-before[i].cpu).Seconds()/long.Seconds())
		if moved := p.moved(); len(moved) > 0 {
			return fmt.Errorf("%s at rest moved: %q", p.name, moved)
		}
	}
	return bare.end()
}

// unplug tears the chip of a telephone off and brings it back.
func (s *scene) unplug() error {
	p, h := s.phones[0], s.hands[0]
	p.skip()
	h.down('5')
	if err := s.count(1); err != nil {
		return err
	}
	if err := h.unplug(); err != nil {
		return err
	}
	if err := p.hears("no keys and no lamps", patience); err != nil {
		return err
	}
	if err := p.hears(`event="up 5"`, patience); err != nil {
		return err
	}
	h.up('5')
	if err := h.plug(); err != nil {
		return err
	}
	if err := h.hang(true); err != nil {
		return err
	}
	if err := p.hears("the GPIO lines are back", patience); err != nil {
		return err
	}
	time.Sleep(time.Second)
	p.skip()
	if err := s.tap('7'); err != nil {
		return err
	}
	if err := s.told("after the chip came back", []string{"down 7", "up 7"}); err != nil {
		return err
	}
	say("the chip is torn off with a key down and comes back: the key comes up, the next one works")
	return nil
}

// end ends both telephones.
func (s *scene) end() error {
	for _, p := range s.phones {
		if err := p.end(); err != nil {
			return err
		}
	}
	say("both telephones end when told to")
	return nil
}
