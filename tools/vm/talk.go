package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"chordophone/hal"
)

// What a telephone says of calls.
const (
	connected = `state\":\"connected`
	ended     = `state\":\"ended`
)

// call calls b from a.
func call(ctx context.Context, a, b *station) error {
	if b.lamp() || b.bell() {
		return fmt.Errorf("the lamp or the bell of %s is on at rest", b.ext)
	}
	if err := ring(ctx, a, b, b.ext+"#"); err != nil {
		return err
	}
	lamp := int(b.board.Lamps[0].Line)
	bell := int(b.board.Ringer.Line)
	flashes, rings := b.GPIO.Steps(lamp), b.GPIO.Steps(bell)
	err := b.Until(ctx, b.ext+" rings, pauses and rings again, and its lamp flashes", patience, func() bool {
		return b.GPIO.Steps(bell)-rings >= 3 && b.GPIO.Steps(lamp)-flashes >= 5
	})
	if err != nil {
		return err
	}
	b.Forget()
	if err := b.hang(false); err != nil {
		return err
	}
	if _, err := b.Hear(ctx, connected, patience); err != nil {
		return err
	}
	if err := b.Until(ctx, "the bell is silent", patience, func() bool { return !b.bell() }); err != nil {
		return err
	}
	if err := b.Until(ctx, "the lamp shines", patience, b.lamp); err != nil {
		return err
	}
	steps := b.GPIO.Steps(lamp)
	time.Sleep(2 * time.Second)
	if n := b.GPIO.Steps(lamp) - steps; n > 0 || !b.lamp() {
		return fmt.Errorf("the lamp of %s does not shine in the call: it changed %d times in 2 s", b.ext, n)
	}
	ok("a call: lifted, dialled, rung, answered; lamp and bell as they should be")
	return nil
}

// ring lifts a's handset and dials until b rings. A call that fails is tried again with b's
// own number: machines of a busy host may be too slow for it, or the copper, which makes
// another key of one.
func ring(ctx context.Context, a, b *station, number string) error {
	for range 5 {
		a.Forget()
		if err := a.hang(false); err != nil {
			return err
		}
		if _, err := a.Hear(ctx, "event=off", patience); err != nil {
			return err
		}
		for _, k := range number {
			if err := a.press(ctx, hal.Key(k)); err != nil {
				return err
			}
		}
		failed := func() bool { return strings.Contains(strings.Join(a.Since(), "\n"), ended) }
		if err := a.Until(ctx, b.ext+" rings", patience, func() bool { return b.bell() || failed() }); err != nil {
			return err
		}
		if b.bell() {
			return nil
		}
		note("a call did not get through")
		number = b.ext + "#"
		if err := a.hang(true); err != nil {
			return err
		}
		if _, err := a.Hear(ctx, "event=on", patience); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s cannot be called", b.ext)
}

// enough is how much of the other's voice must arrive.
const enough = 3 * time.Second

// hears waits until a station has heard enough of the other at the right level. How
// long that takes is up to the host.
func hears(ctx context.Context, p *station, r recording, hertz, own float64) error {
	var h heard
	var failed error
	err := p.Until(ctx, p.ext+" hears the other", patience, func() bool {
		samples, err := r.left()
		if err != nil {
			failed = err
			return true
		}
		h = listen(samples, hertz, own)
		return time.Duration(h.good)*50*time.Millisecond >= enough
	})
	switch {
	case failed != nil:
		return failed
	case err != nil:
		return fmt.Errorf("%w\n%s heard: %v", err, p.ext, h)
	case h.wrong > 0:
		return fmt.Errorf("%s hears its own voice: %v", p.ext, h)
	}
	note("%s heard: %v", p.ext, h)
	return nil
}

// talk lets both sides speak at once and hears what their sound cards play.
func talk(ctx context.Context, out string, a, b *station) error {
	if err := hears(ctx, a, ears(out, a.ext, 0), tones[1], tones[0]); err != nil {
		return err
	}
	if err := hears(ctx, b, ears(out, b.ext, 0), tones[0], tones[1]); err != nil {
		return err
	}
	ok("both speak at once: each USB sound card plays what the other says, at the right level, and not one's own voice")
	return nil
}

// unplug pulls a sound card out in the middle of the call, and puts one in again.
func unplug(ctx context.Context, out string, a, b *station) error {
	a.Forget()
	b.Forget()
	if err := b.Monitor.Unplug("card0"); err != nil {
		return err
	}
	time.Sleep(3 * time.Second)
	if err := b.Monitor.Plug("usb-audio", "card1", map[string]any{"bus": "usb.0", "audiodev": "ear1"}); err != nil {
		return err
	}
	if err := hears(ctx, b, ears(out, b.ext, 1), tones[0], tones[1]); err != nil {
		return err
	}
	for _, p := range []*station{a, b} {
		for _, l := range p.Since() {
			if strings.Contains(l, ended) {
				return fmt.Errorf("the call ended when the sound card was pulled out: %s", l)
			}
		}
	}
	ok("the sound card is pulled out and put in again: the call lives on, and is heard again")
	return nil
}

// hangUp ends the call.
func hangUp(ctx context.Context, a, b *station) error {
	if err := replace(ctx, a, b); err != nil {
		return err
	}
	if err := b.Until(ctx, "the lamp goes out", patience, func() bool { return !b.lamp() }); err != nil {
		return err
	}
	steps := b.GPIO.Steps(int(b.board.Lamps[0].Line))
	time.Sleep(2 * time.Second)
	if n := b.GPIO.Steps(int(b.board.Lamps[0].Line)) - steps; n > 0 {
		return fmt.Errorf("the lamp of %s changes at rest", b.ext)
	}
	ok("hung up: the lamp is dark")
	return nil
}
