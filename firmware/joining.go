package firmware

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"chordophone/firmware/appliance/beat"
	"chordophone/firmware/config"
	"chordophone/hal"
	"chordophone/overlay"
	"chordophone/overlay/identity"
)

// The time between two tries to join an office doubles from one to the other.
const (
	joinFirst = 2 * time.Second
	joinMost  = time.Minute
)

// unattended says whether nobody waits for what comes of this start: process 1 of the
// appliance made it, or the board has wires. Such a telephone keeps trying to join the
// office that its configuration names, which may be switched on later than it, or after a
// power failure with it. At a terminal and in a script one try is made, and its failure
// is the end of the program.
func unattended(board string, line *beat.Line) bool {
	return line != nil || board != "term" && board != "pipe"
}

// passes says whether a try to join may succeed later, if nobody does anything here.
func passes(err error) bool {
	var network net.Error
	return errors.Is(err, errNoOffice) || errors.Is(err, identity.ErrUnreachable) || errors.Is(err, identity.ErrBusy) ||
		errors.Is(err, identity.ErrEnrolmentClosed) || errors.As(err, &network)
}

// turnedAway says whether an office has said no: it would say it again, and close its
// door after three wrong codes.
func turnedAway(err error) bool {
	return errors.Is(err, identity.ErrWrongCode) || errors.Is(err, identity.ErrTaken) ||
		errors.Is(err, identity.ErrAlive) || errors.Is(err, identity.ErrReserved)
}

// joining is a telephone that belongs to no office yet, that knows which it is to join,
// and that nobody watches.
type joining struct {
	panel hal.Panel
	try   func(context.Context) (*identity.Identity, []overlay.Peer, error)
	log   *slog.Logger
}

// keepJoining goes on after a first try.
func keepJoining(ctx context.Context, cfg config.Run, hw *hardware, first error, log *slog.Logger) (*identity.Identity, []overlay.Peer, error) {
	j := joining{panel: hw.panel, log: log, try: func(ctx context.Context) (*identity.Identity, []overlay.Peer, error) {
		return membership(ctx, cfg, log)
	}}
	return j.run(ctx, first)
}

// run tries until there is an office, or one says no. err is what came of the try before.
func (j *joining) run(ctx context.Context, err error) (id *identity.Identity, via []overlay.Peer, _ error) {
	said := ""
	for wait := joinFirst; passes(err); wait = min(2*wait, joinMost) {
		if text := explain(err); text != said {
			said = text
			j.log.Warn("no office yet: this telephone keeps trying", "why", text)
		}
		j.show(hal.Blip, inShort(err), "trying again")
		if err := j.pause(ctx, wait); err != nil {
			return nil, nil, err
		}
		id, via, err = j.try(ctx)
	}
	if err != nil {
		j.log.Error("no office", "err", explain(err))
		j.show(hal.Wink, inShort(err), "")
		return nil, nil, err
	}
	return id, via, nil
}

// pause waits. What is pressed meanwhile means nothing.
func (j *joining) pause(ctx context.Context, d time.Duration) error {
	end := time.After(d)
	for keys := j.panel.Events(); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case _, ok := <-keys:
			if !ok {
				return errQuit
			}
		case <-end:
			return nil
		}
	}
}

func (j *joining) show(lamp hal.Signal, lines ...string) {
	var picture hal.Picture
	picture[hal.LampLine] = lamp
	if err := j.panel.Show(picture); err != nil {
		j.log.Warn("lamps", "err", err)
	}
	j.panel.Tell(hal.Lines{Lines: append([]string{"new telephone"}, lines...)})
}
