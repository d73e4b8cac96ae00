package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"chordophone/hal"
	"chordophone/tools/vm/measure"
)

// waits calls again and again, and takes the times that a person waits, as they are seen
// from here: from the handset lifted to the caller's telephone saying that it is
// answered, and from a key pressed in the call to the telephone's word that it knows, and
// to the first packet that tells the far end. That all come, once and in this order, is
// what is checked.
func waits(ctx context.Context, w *cable, a, b *station) error {
	answered := &measure.Times{From: "handset lifted", To: "answered, says the caller"}
	sides := []*presses{
		newPresses(b, '5', "key with a line of its own", func(down bool) error { return b.GPIO.Pull(int(b.board.Keys[0].Line), !down) }),
		newPresses(a, '1', "key of the matrix, settle=30ms", func(down bool) error { return a.copper.press('1', down) }),
	}
	for range measure.Rounds {
		if err := ring(ctx, a, b, "#"); err != nil { // the number dialled last
			return err
		}
		b.Forget()
		lifted := time.Now()
		if err := b.hang(false); err != nil {
			return err
		}
		at, err := a.HearAt(ctx, connected, patience)
		if err != nil {
			return err
		}
		answered.Add(at.Sub(lifted))
		if _, err := b.Hear(ctx, connected, patience); err != nil {
			return err
		}
		for _, p := range sides {
			if err := p.press(ctx, w); err != nil {
				return err
			}
		}
		if err := replace(ctx, a, b); err != nil {
			return err
		}
	}
	rows := []*measure.Times{answered}
	for _, p := range sides {
		rows = append(rows, p.known, p.told)
	}
	for _, r := range rows {
		note("%v", r)
	}
	ok("%d calls, in each a key pressed at either end: every handset answers, every key is known and told to the far end, once and in this order", measure.Rounds)
	return nil
}

// replace puts both handsets back, the first one first.
func replace(ctx context.Context, a, b *station) error {
	if err := a.hang(true); err != nil {
		return err
	}
	if _, err := b.Hear(ctx, ended, patience); err != nil {
		return err
	}
	if err := b.hang(true); err != nil {
		return err
	}
	for _, p := range []*station{a, b} {
		if _, err := p.Hear(ctx, "event=on", patience); err != nil {
			return err
		}
	}
	return nil
}

// presses are those of one key in calls.
type presses struct {
	*station
	key         hal.Key
	set         func(down bool) error
	known, told *measure.Times
}

func newPresses(p *station, key hal.Key, what string, set func(down bool) error) *presses {
	return &presses{p, key, set, &measure.Times{From: what, To: "the telephone's event"}, &measure.Times{From: what, To: "first RFC 4733 packet"}}
}

// press presses the key and releases it when it was told. A press that was not one, for
// the copper was too slow on a busy host, is tried again.
func (k *presses) press(ctx context.Context, w *cable) error {
	for range 5 {
		clean, err := k.once(ctx, w)
		if err != nil || clean {
			return err
		}
		note("the copper was too slow for a key")
	}
	return fmt.Errorf("%s: no key is told cleanly", k.ext)
}

// once presses the key once, and says whether the telephone knew of nothing else.
func (k *presses) once(ctx context.Context, w *cable) (clean bool, err error) {
	k.Forget()
	before := len(w.keys(k.address))
	down, up := fmt.Sprintf("down %c", k.key), fmt.Sprintf("up %c", k.key)
	pressed := time.Now()
	if err := k.set(true); err != nil {
		return false, err
	}
	known, err := k.HearAt(ctx, `event="`+down+`"`, patience)
	if err != nil {
		return false, err
	}
	if err := k.Until(ctx, k.ext+" sends the key", patience, func() bool { return len(w.keys(k.address)) > before }); err != nil {
		return false, err
	}
	if err := k.set(false); err != nil {
		return false, err
	}
	if err := k.Until(ctx, k.ext+" is told "+up, patience, func() bool { return slices.Contains(k.moved(), up) }); err != nil {
		return false, err
	}
	time.Sleep(time.Second) // longer than the packets of one key
	if !slices.Equal(k.moved(), []string{up}) {
		return false, nil
	}
	packets := w.keys(k.address)[before:]
	if len(packets) != 1 {
		return false, fmt.Errorf("%s told a key that was pressed once %d times", k.ext, len(packets))
	}
	k.known.Add(known.Sub(pressed))
	k.told.Add(packets[0].Sub(pressed))
	return true, nil
}

// atRest lets nobody touch the telephones, and takes what they cost then.
func atRest(ctx context.Context, all ...*station) error {
	for _, p := range all {
		p.Forget()
	}
	for _, p := range all {
		var told []string // the first is partly of a time when it was moved
		err := p.Until(ctx, p.ext+" is at rest", patience, func() bool {
			told = nil
			for _, l := range p.Since() {
				if _, effort, ok := strings.Cut(l, "EFFORT "); ok {
					told = append(told, effort)
				}
			}
			return len(told) > 1
		})
		if err != nil {
			return err
		}
		if moved := p.moved(); len(moved) > 0 {
			return fmt.Errorf("%s at rest moved: %q", p.ext, moved)
		}
		note("%s at rest: %s", p.ext, told[1])
	}
	return nil
}
