package main

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"chordophone/tools/vm/nbd"
	"chordophone/tools/vm/qemu"
)

// The partitions of the slots.
const (
	partitionA = 2
	partitionB = 3
)

// succeed installs a release while the telephone works, and follows it until it starts
// by itself. With cuts the power goes when the telephone writes which slot is started:
// either one is right then.
func (b *bench) succeed(ctx context.Context, file string) error {
	m, con, _, err := b.startAs(ctx, oldVersion, "A")
	if err != nil {
		return err
	}
	defer m.Kill()
	if err := b.installAndLeave(ctx, m, con, file); err != nil {
		return err
	}
	if b.cuts > 0 {
		if err := b.undecided(ctx); err != nil {
			return err
		}
	}
	if p, err := b.chosen(); err != nil {
		return err
	} else if p != partitionB {
		if err := b.decide(ctx); err != nil {
			return err
		}
	}
	m, con, is, err := b.startAs(ctx, newVersion, "B")
	if err != nil {
		return err
	}
	defer m.Kill()
	con.Close()
	if is.Phase != "idle" || is.Problem != "" {
		return fmt.Errorf("after the update: %+v", is)
	}
	ok("updated by SSH from %s to %s, which starts by itself now; all promises are kept", oldVersion, newVersion)
	_, _, err = b.cut(m, 0.5)
	return err
}

// onTrial starts the new version on trial.
func (b *bench) onTrial(ctx context.Context) (*qemu.Machine, *console, error) {
	m, con, is, err := b.startAs(ctx, newVersion, "B")
	if err != nil {
		return nil, nil, err
	}
	p, err := b.chosen()
	if err != nil || p != partitionA || is.Phase != "on trial" {
		m.Kill()
		return nil, nil, fmt.Errorf("partition %d starts, want %d, and the new version on trial: %+v (%w)", p, partitionA, is, err)
	}
	return m, con, nil
}

// undecided lets a trial end well and cuts the power in the write that says so. If that
// is lost, the telephone starts the trial again by itself.
func (b *bench) undecided(ctx context.Context) error {
	m, con, err := b.onTrial(ctx)
	if err != nil {
		return err
	}
	defer m.Kill()
	con.Close()
	sector, err := b.choice()
	if err != nil {
		return err
	}
	select {
	case <-b.disk.DoomAt(sector):
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(trialLimit):
		return fmt.Errorf("the trial does not end\n%s", m.Last(10))
	}
	if _, _, err := b.cut(m, 0.5); err != nil {
		return err
	}
	p, err := b.chosen()
	if err != nil {
		return err
	}
	note("a cut %.0f s after the start on trial, in the write that ends it: slot %c is started", time.Since(m.Started).Seconds(), 'A'+p-partitionA)
	if p == partitionB {
		return nil
	}
	if m, err = b.power(ctx); err != nil { // it leaves as soon as it may, before anybody can ask
		return err
	}
	defer m.Kill()
	return b.leaves(ctx, m)
}

// decide lets a trial end well.
func (b *bench) decide(ctx context.Context) error {
	m, con, err := b.onTrial(ctx)
	if err != nil {
		return err
	}
	defer m.Kill()
	defer con.Close()
	for is := (installed{Phase: "on trial"}); is.Phase != "idle"; {
		if time.Since(m.Started) > trialLimit {
			return fmt.Errorf("the trial does not end: %+v\n%s", is, m.Last(10))
		}
		time.Sleep(2 * time.Second)
		if err := con.run(&is, "update status"); err != nil {
			return fmt.Errorf("on trial: %w\n%s", err, m.Last(20))
		}
	}
	note("found good %.0f s after the start on trial", time.Since(m.Started).Seconds())
	if _, _, err := b.cut(m, 0); err != nil { // nothing that is only in the cache may matter
		return err
	}
	if p, err := b.chosen(); err != nil || p != partitionB {
		return fmt.Errorf("partition %d starts after version %s was found good, want %d (%w)", p, newVersion, partitionB, err)
	}
	return nil
}

// chosen is the partition that is started by itself, as the medium has it.
func (b *bench) chosen() (int, error) {
	selector, err := partition(b.card, 1)
	if err != nil {
		return 0, err
	}
	text, err := fs.ReadFile(selector, "autoboot.txt")
	if err != nil {
		return 0, err
	}
	return choose(string(text), false)
}

// choice is the sector that says which partition is started.
func (b *bench) choice() (int64, error) {
	begin, _, err := extent(b.card, 1)
	if err != nil {
		return 0, err
	}
	selector, err := partition(b.card, 1)
	if err != nil {
		return 0, err
	}
	at, _, err := selector.Locate("autoboot.txt")
	return (begin + at) / nbd.Sector, err
}
