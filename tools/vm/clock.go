package main

import (
	"context"
	"fmt"
	"time"
)

// keptAfter is when a telephone has written down to what its clock was set: process 1 looks
// every five seconds at the latest.
const keptAfter = 30 * time.Second

// clock is what a telephone says of the time.
type clock struct {
	Time   time.Time
	Source string
}

// setClock has a person set the clock of a telephone that nobody tells the time an hour
// ahead of that of its machine. Never again is it earlier: see later.
func (b *bench) setClock(ctx context.Context) error {
	m, con, _, _, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer m.Kill()
	defer con.Close()
	var before, after clock
	if err := con.run(&before, "clock"); err != nil {
		return err
	}
	to := before.Time.Add(time.Hour).UTC().Truncate(time.Second)
	if err := con.run(&after, "clock set", to.Format(time.RFC3339)); err != nil {
		return err
	}
	if ahead := after.Time.Sub(to); before.Source != "kept" || after.Source != "set" || ahead < -time.Second || ahead > time.Minute {
		return fmt.Errorf("the clock was set to %v: %+v, %+v before", to, after, before)
	}
	b.set = to
	time.Sleep(keptAfter)
	_, _, err = b.cut(m, 0.5)
	return err
}

// later fails if a telephone shows a time before that to which its clock was set.
func (b *bench) later(con *console) error {
	var now clock
	if err := con.run(&now, "clock"); err != nil {
		return err
	}
	if now.Time.Before(b.set) {
		return fmt.Errorf("the clock was set to %v once, and is behind that: %+v", b.set, now)
	}
	return nil
}
