package firmware

import (
	"context"
	"strconv"

	"chordophone/firmware/appliance/beat"
	"chordophone/firmware/phone"
	"chordophone/hal"
	"chordophone/overlay/chord"
)

// guarded tells process 1 of the appliance what it needs to know of this phone, and
// this phone what that says, until ctx is cancelled. On other machines there is none.
func (a *appliance) guarded(ctx context.Context) error {
	if a.line == nil {
		return nil
	}
	a.line.Tell(beat.Message{Kind: beat.Named, Text: "chordophone-" + strconv.Itoa(a.member.Extension())})
	a.line.Busy(func() bool { return len(a.ledger.calls()) > 0 })
	for _, loop := range []struct {
		name string
		ask  func(context.Context) error
	}{
		{"desk", func(context.Context) error { a.events.tell(phone.Tick{}); return nil }},
		{"ring", func(ctx context.Context) error { _, err := a.node.Ask(ctx, a.self, chord.Ping{}); return err }},
		{"sip", a.exchange.ask},
	} {
		a.line.Loop(loop.name, loop.ask)
		defer a.line.Forget(loop.name)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case faults := <-a.line.Health():
			for _, f := range faults {
				a.body.panel.Tell(hal.Fault{Message: f.Message, Hint: f.Hint})
			}
		}
	}
}

// ask returns when the loop of SIP has come by.
func (x *exchange) ask(ctx context.Context) error {
	done := make(chan struct{})
	if !x.stack.Do(func() { close(done) }) {
		return errEnded
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
