//go:build linux

package main

import (
	"fmt"
	"os"
	"time"

	"chordophone/board"
)

// settle is long because the copper of this machine is a program: it sees a column
// within some 10 ms in an emulated processor. The hook has no pull because the
// simulator takes one for a hand and would lift the handset.
const boardText = `name %s
chip label=%[1]s
%[3]s
hook line=GPIO4 pull=none
lamp line line=GPIO25
lamp message line=GPIO26 active=low
ringer line=GPIO12
audio capture=hw:%[2]d,0 playback=hw:%[2]d,0
`

// The keys: a matrix, and one with a line of its own; or only one with a line of its own.
const (
	keypad = "keypad rows=GPIO5,GPIO6,GPIO7,GPIO8 cols=GPIO16,GPIO22,GPIO23,GPIO24 keys=123A/456B/789C/*0#D settle=30ms\nkey recall line=GPIO17"
	oneKey = "key 5 line=GPIO17"
)

// ownKey is the line of the key that has one.
const ownKey = 17

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
		s.start, s.keys, s.twoKeys, s.ghost, s.bounce, s.flash, s.call, s.latency, s.idle, s.unplug,
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
		file, b, err := writeBoard(name, i, [2]string{keypad, oneKey}[i])
		if err != nil {
			return err
		}
		if err := twin(); err != nil {
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
		if in, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/0", p.cmd.Process.Pid)); in != os.DevNull {
			return fmt.Errorf("standard input of %s is %q, %v", extensions[i], in, err)
		}
		if moved := p.moved(); len(moved) > 0 {
			return fmt.Errorf("%s: nobody touches it, and yet %q", extensions[i], moved)
		}
	}
	measured("both telephones are ready")
	return nil
}

// writeBoard writes the board file of a telephone.
func writeBoard(name string, card int, keys string) (file string, b *board.Board, err error) {
	file = "/tmp/" + name + ".board"
	if err := os.WriteFile(file, fmt.Appendf(nil, boardText, "phone-"+name, card, keys), 0o644); err != nil {
		return "", nil, err
	}
	b, err = board.Open(file)
	return file, b, err
}

// twin gives the chip of the machine a second name, as Raspberry Pi OS does on a
// Pi 5. periph closes standard input when it meets one.
func twin() error {
	err := os.Symlink("gpiochip0", "/dev/gpiochip9")
	if os.IsExist(err) {
		return nil
	}
	return err
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
