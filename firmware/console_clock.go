package firmware

import (
	"context"
	"fmt"
	"time"

	"chordophone/firmware/appliance/clock/consensus"
	"chordophone/firmware/manage"
)

// This file is what the console says of the time of day.

func (c console) Clock(ctx context.Context) (manage.Clock, error) {
	return c.times.clock(zoneOf(c.cfg.TimeZone)), nil
}

func (c console) SetClock(ctx context.Context, to time.Time) (manage.Clock, error) {
	began := time.Now()
	if err := c.times.set(ctx, to); err != nil {
		return manage.Clock{}, err
	}
	clock := c.times.clock(zoneOf(c.cfg.TimeZone))
	if ahead := clock.Time.Sub(to.Add(time.Since(began))); ahead > nearlyRight {
		clock.AheadS = ahead.Seconds()
	} else {
		clock.Voices = consensus.Voices(c.times.office(ctx))
	}
	return clock, nil
}

// zoneOf is a time zone of config.Run.
func zoneOf(zone string) *time.Location {
	where, err := time.LoadLocation(zone)
	if err != nil {
		return time.UTC
	}
	return where
}

// clock is the time here, and where it is from.
func (t *timekeeping) clock(where *time.Location) manage.Clock {
	c := manage.Clock{Time: t.wall().Round(0).In(where).Truncate(time.Millisecond)}
	synced := t.synced()
	if t.shift == nil {
		c.Source, c.Text, c.Known = manage.ClockSystem, "the clock of this machine, which others look after", true
		if synced {
			c.Text += ", by a time server"
		}
		return c
	}
	s := t.standing()
	c.With, c.Known = s.With, synced || s.Known()
	switch {
	case synced:
		c.Source, c.Text, c.With = manage.ClockServer, "from a time server", 0
	case s.Source == consensus.Set:
		c.Source, c.Text = manage.ClockHand, "set by hand on this phone (no time server)"
		switch {
		case s.With > 0:
			c.Text += "; " + agreedWith(s.With)
		case s.Heard > 0:
			c.Text += "; no other phone has the same yet"
		}
	case s.With > 0:
		c.Source, c.Text = manage.ClockAgreed, agreedWith(s.With)+" ("+toldBy(s.Told)+")"
	case s.Told > consensus.Kept:
		c.Source, c.Text = manage.ClockTold, toldBy(s.Told)+" some time ago"
	default:
		c.Source, c.Text = manage.ClockKept, "nobody has told it: it went on from when this phone was last on"
		if s.Source == consensus.Agreed && s.Heard == 0 {
			c.Text = "nobody has told it: it was agreed with other phones, of which none is in sight"
		} else if s.Heard > 0 {
			c.Text += "; other phones have another"
		}
	}
	return c
}

// toldBy is who has told the time since the program began.
func toldBy(s consensus.Source) string {
	switch s {
	case consensus.Server:
		return "told by a time server"
	case consensus.Set:
		return "set on another phone"
	}
	return "no time server"
}

func agreedWith(n int) string {
	if n == 1 {
		return "agreed with 1 phone"
	}
	return fmt.Sprintf("agreed with %d phones", n)
}
