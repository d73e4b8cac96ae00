package dht

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"chordophone/tools/bench/report"
)

// Stages in the order in which they are run.
const (
	StageCold   = "cold" // always
	StagePut    = "put"
	StageGet    = "get"
	StageIdle   = "idle"
	StageSilent = "silent"
	StageKill20 = "kill20"
	StageKill50 = "kill50"
	StageCycle  = "cycle"
	StageStores = "stores"
)

// Stages are all of them.
func Stages() []string {
	return []string{StageCold, StagePut, StageGet, StageIdle, StageSilent, StageKill20, StageKill50, StageCycle, StageStores}
}

// Scale is how long and how often.
type Scale struct {
	Settle   time.Duration // after the start, before anything is measured
	Keys     int           // records for each stage that needs some
	Gets     int
	Idle     time.Duration
	Later    time.Duration // from a kill to the second round of look-ups
	Patience time.Duration // for the network to become one again
	Stores   int
}

// Full is what the figures are made with, Short shows that it works.
func Full() Scale {
	return Scale{
		Settle: 20 * time.Second, Keys: 100, Gets: 500, Idle: 70 * time.Second,
		Later: 15 * time.Second, Patience: 60 * time.Second, Stores: 500,
	}
}

func Short() Scale {
	return Scale{
		Settle: 5 * time.Second, Keys: 30, Gets: 100, Idle: 10 * time.Second,
		Later: 8 * time.Second, Patience: 30 * time.Second, Stores: 30,
	}
}

// Figures are what was measured, by row.
type Figures map[string]report.Figure

func (f Figures) set(row string, v float64) { f[row] = report.Figure(v) }

// reached says after how long something happened, or that it never did.
func (f Figures) reached(row string, ok bool, d time.Duration) {
	f[row] = report.Never
	if ok {
		f.set(row, d.Seconds())
	}
}

// campaign takes one network through the stages.
type campaign struct {
	net    *Network
	scale  Scale
	stages []string
	say    func(format string, args ...any)

	figures Figures
	detail  map[string]any
	notes   []string

	putWire Wire // and how long that took: idle traffic is subtracted later
	putTime time.Duration
	putSize int
	getWire Wire
	getTime time.Duration
}

// run goes through the stages. What it has measured stands in figures also when
// it fails.
func (c *campaign) run(ctx context.Context) error {
	steps := []struct {
		stage string
		run   func(context.Context) error
	}{
		{StageCold, c.cold},
		{StagePut, c.put},
		{StageGet, c.get},
		{StageIdle, c.idle},
		{StageSilent, c.silent},
		{StageKill20, func(ctx context.Context) error { return c.kill(ctx, StageKill20, 0.2) }},
		{StageKill50, func(ctx context.Context) error { return c.kill(ctx, StageKill50, 0.5) }},
		{StageCycle, c.cycle},
	}
	defer c.perOperation()
	for _, s := range steps {
		if s.stage != StageCold && !slices.Contains(c.stages, s.stage) {
			continue
		}
		start := time.Now()
		if err := s.run(ctx); err != nil {
			return fmt.Errorf("%s, %d nodes, stage %s: %w", c.net.prog.name(), len(c.net.nodes), s.stage, err)
		}
		if lost := c.net.casualties(); len(lost) > 0 {
			return fmt.Errorf("%s, %d nodes, stage %s: nodes %v ended or fell silent by themselves", c.net.prog.name(), len(c.net.nodes), s.stage, lost)
		}
		c.say("%s, %d nodes: %s done in %.1f s", c.net.prog.name(), len(c.net.nodes), s.stage, time.Since(start).Seconds())
	}
	return nil
}

// ours is our ring, nil when the other program is measured.
func (c *campaign) ours() *chordophone {
	o, _ := c.net.prog.(*chordophone)
	return o
}

// patient bounds how long the network is waited for.
func (c *campaign) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.scale.Patience)
}

// waited takes the error of a patient wait: that it was not long enough is worth a
// note, and no error.
func (c *campaign) waited(ctx context.Context, err error, what string) (ok bool, _ error) {
	if err == nil {
		return true, nil
	}
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return false, err
	}
	why := ""
	if o := c.ours(); o != nil {
		why = fmt.Sprintf(": %q", o.wrong(c.net.running(), true))
	}
	c.note("%s: not within %v%s", what, c.scale.Patience, why)
	return false, nil
}

func (c *campaign) note(format string, args ...any) {
	s := fmt.Sprintf("%s, %d nodes: ", c.net.prog.name(), len(c.net.nodes)) + fmt.Sprintf(format, args...)
	c.notes = append(c.notes, s)
	c.say("%s", s)
}

// heal waits until the network is one again, and for our ring until all lists are
// right. The row says how long that took since start.
func (c *campaign) heal(ctx context.Context, start time.Time, row, after string) error {
	wait, cancel := c.patient(ctx)
	defer cancel()
	err := c.net.prog.together(wait, c.net)
	if o := c.ours(); err == nil && o != nil {
		err = o.whole(wait, c.net)
	}
	ok, err := c.waited(ctx, err, "the ring whole again after "+after)
	c.figures.reached(row, ok, time.Since(start))
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
