//go:build linux

package main

import (
	"fmt"
	"time"

	"chordophone/tools/vm/measure"
)

// latency calls again and again, and takes the times that a person waits: from the
// handset lifted to the call being answered where it came from, and from a key pressed
// in the call to the telephone's knowing it and to the first packet that tells the far
// end. The times are those of the emulated processor; that all come, once and in this
// order, is what is checked.
func (s *scene) latency() error {
	w, err := watchKeys()
	if err != nil {
		return err
	}
	defer w.close()
	a, b := s.hands[0], s.hands[1]
	answered := &measure.Times{From: "handset lifted", To: "answered, says the caller"}
	sides := []*presses{
		newPresses(1, "key with a line of its own", func(down bool) error { return b.pull(ownKey, !down) }),
		newPresses(0, "key of the matrix, settle=30ms", func(down bool) error { a.set('5', down); return nil }),
	}
	for range measure.Rounds {
		for _, p := range s.phones {
			p.skip()
		}
		if err := a.hang(false); err != nil {
			return err
		}
		if err := s.phones[0].hears("event=off", patience); err != nil {
			return err
		}
		if err := s.tap('#'); err != nil { // the number dialled last
			return err
		}
		if err := until("102 rings", patience, b.bell); err != nil {
			return err
		}
		lifted := time.Now()
		if err := b.hang(false); err != nil {
			return err
		}
		at, err := s.phones[0].hearsAt(connected, patience)
		if err != nil {
			return err
		}
		answered.Add(at.Sub(lifted))
		if err := s.phones[1].hears(connected, patience); err != nil {
			return err
		}
		for _, p := range sides {
			if err := p.press(s.phones[p.who], w); err != nil {
				return err
			}
		}
		if err := s.hangUp(); err != nil {
			return err
		}
	}
	rows := []*measure.Times{answered}
	for _, p := range sides {
		rows = append(rows, p.known, p.told)
	}
	for _, r := range rows {
		measured("%v", r)
	}
	say("%d calls, in each a key pressed at either end: every handset answers, every key is known and told to the far end, once and in this order", measure.Rounds)
	return nil
}

// hangUp ends the call from the first telephone.
func (s *scene) hangUp() error {
	if err := s.hands[0].hang(true); err != nil {
		return err
	}
	if err := s.phones[1].hears(ended, patience); err != nil {
		return err
	}
	if err := s.hands[1].hang(true); err != nil {
		return err
	}
	for _, p := range s.phones {
		if err := p.hears("event=on", patience); err != nil {
			return err
		}
	}
	return nil
}

// presses are those of one key in calls.
type presses struct {
	who         int // index of the telephone
	set         func(down bool) error
	known, told *measure.Times
}

func newPresses(who int, key string, set func(down bool) error) *presses {
	return &presses{who, set, &measure.Times{From: key, To: "the telephone's event"}, &measure.Times{From: key, To: "first RFC 4733 packet"}}
}

// press presses the key 5 and releases it when it was told.
func (k *presses) press(p *phone, w *wire) error {
	p.skip()
	from := addressOf(k.who)
	before := len(w.keys(from))
	pressed := time.Now()
	if err := k.set(true); err != nil {
		return err
	}
	known, err := p.hearsAt(`event="down 5"`, patience)
	if err != nil {
		return err
	}
	if err := until(p.name+" sends the key", patience, func() bool { return len(w.keys(from)) > before }); err != nil {
		return err
	}
	if err := k.set(false); err != nil {
		return err
	}
	if err := p.hears(`event="up 5"`, patience); err != nil {
		return err
	}
	time.Sleep(300 * time.Millisecond) // longer than the packets of one key
	packets := w.keys(from)[before:]
	if len(packets) != 1 {
		return fmt.Errorf("%s told a key that was pressed once %d times", p.name, len(packets))
	}
	if packets[0].Before(pressed) || known.Before(pressed) {
		return fmt.Errorf("%s knew of a key before it was pressed", p.name)
	}
	k.known.Add(known.Sub(pressed))
	k.told.Add(packets[0].Sub(pressed))
	return nil
}
