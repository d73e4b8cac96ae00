package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"chordophone/tools/vm/qemu"
)

// How long things may take.
const (
	installLimit = 5 * time.Minute
	trialLimit   = 6 * time.Minute  // more than the telephone's own patience, and its start
	leaveLimit   = 5 * time.Minute  // for a telephone that starts anew by itself
	watchdog     = 20 * time.Second // of the boot firmware, in which a kernel must have started
)

// installed is what "update status" says.
type installed struct {
	Running, Slot, Phase, Next, Office, Problem string

	Earliest time.Time
}

// updates installs releases in the telephone of the image, which is held to what it
// promises all the while.
func updates(ctx context.Context, s settings) error {
	f, err := newFactory(filepath.Join(s.out, "update"), "release")
	if err != nil {
		return err
	}
	if s.program, err = f.program(ctx, telephone, oldVersion); err != nil {
		return err
	}
	files, err := makeReleases(ctx, f)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, s, "update", f.key+".pub")
	if err != nil {
		return err
	}
	defer b.close()
	note("%d cuts with seed %d", s.cuts, s.seed)
	if err := b.furnish(ctx); err != nil {
		return err
	}
	if err := b.refuse(ctx, files.stranger, "nobody this phone trusts"); err != nil {
		return err
	}
	for n := 1; n <= s.cuts; n++ {
		if err := b.interrupted(ctx, files.good, n); err != nil {
			return fmt.Errorf("cut %d: %w", n, err)
		}
		if err := b.spoil(); err != nil {
			return err
		}
	}
	if err := b.succeed(ctx, files.good); err != nil {
		return err
	}
	return b.fail(ctx, files)
}

// startAs starts the telephone and holds it to its promises, to a version and to a slot.
func (b *bench) startAs(ctx context.Context, version, slot string) (*qemu.Machine, *console, installed, error) {
	var is installed
	m, con, took, broken, err := b.start(ctx)
	if err != nil {
		return nil, nil, is, err
	}
	if err = con.run(&is, "update status"); err == nil {
		switch {
		case len(broken) > 0:
			err = fmt.Errorf("%d promises are broken: %q (seed %d)", len(broken), broken, b.seed)
		case is.Running != "v"+version || is.Slot != slot:
			err = fmt.Errorf("version %s runs in slot %s, want %s in %s: %+v", is.Running, is.Slot, version, slot, is)
		}
	}
	if err != nil {
		m.Kill()
		return nil, nil, is, fmt.Errorf("start %d: %w", b.boots, err)
	}
	note("start %d: ready after %.1f s with version %s in slot %s, %s", b.boots, took.Seconds(), version, slot, is.Phase)
	return m, con, is, nil
}

// interrupted cuts the power while a release is written: at any moment, or in the
// middle of a write.
func (b *bench) interrupted(ctx context.Context, file string, n int) error {
	m, con, _, err := b.startAs(ctx, oldVersion, "A")
	if err != nil {
		return err
	}
	defer m.Kill()
	var writing sync.WaitGroup
	begin := time.Now()
	var early error
	writing.Go(func() {
		if _, err := con.install(file); err == nil {
			early = errors.New("the release was installed before the power was cut")
		}
	})
	// The telephone takes its time: it writes 4 MiB/s, and is not ready before 7 s are over.
	time.Sleep(time.Duration(b.rng.Int64N(int64(4 * time.Second))))
	if n%2 == 0 {
		select {
		case <-b.disk.Doom(1 + b.rng.IntN(30)):
		case <-time.After(2 * time.Second): // it is between two writes, or reads
		}
	}
	dirty, survived, err := b.cut(m, 0.5)
	con.Close()
	writing.Wait()
	note("cut %d: %.1f s after the update began, %d sectors were unflushed, %d of them survived", n, time.Since(begin).Seconds(), dirty, survived)
	return errors.Join(err, early)
}

// spoil overwrites three quarters of what was written of a release: what is left need not be
// written again, and the next cut shall meet a telephone that writes.
func (b *bench) spoil() error {
	at, size, err := extent(b.card, partitionB)
	if err != nil {
		return err
	}
	zeros := make([]byte, 256<<10)
	for place := at; place < at+size; place += int64(len(zeros)) {
		if b.rng.IntN(4) == 0 {
			continue
		}
		if _, err := b.card.WriteAt(zeros, place); err != nil {
			return err
		}
	}
	return nil
}

// fail installs releases that do not start.
func (b *bench) fail(ctx context.Context, files releases) error {
	m, con, is, err := b.startAs(ctx, newVersion, "B")
	if err != nil {
		return err
	}
	defer m.Kill()
	if err := refuse(con, is, files.older, "older than what ran", files.good, "runs already", files.foreign, "another product"); err != nil {
		return err
	}
	if m, con, err = b.giveUp(ctx, m, con, files.mute, muteVersion, b.mute); err != nil {
		return fmt.Errorf("a damaged kernel: %w", err)
	}
	defer m.Kill()
	if m, con, err = b.giveUp(ctx, m, con, files.dud, dudVersion, b.panics); err != nil {
		return fmt.Errorf("a program that ends: %w", err)
	}
	defer m.Kill()
	con.Close()
	_, _, err = b.cut(m, 0.5)
	return err
}

// giveUp installs a release that does not start. The telephone tries it a second time,
// for the power may have failed, and then gives it up. start starts the machine for
// each trial and returns when that is over.
func (b *bench) giveUp(ctx context.Context, m *qemu.Machine, con *console, file, version string, start func(context.Context) error) (*qemu.Machine, *console, error) {
	if err := b.installAndLeave(ctx, m, con, file); err != nil {
		return nil, nil, err
	}
	if err := start(ctx); err != nil {
		return nil, nil, err
	}
	m, err := b.power(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer m.Kill()
	if err := b.leaves(ctx, m); err != nil { // as soon as it may: nobody can ask it anything
		return nil, nil, fmt.Errorf("the second trial: %w", err)
	}
	if err := start(ctx); err != nil {
		return nil, nil, err
	}
	m, con, is, err := b.startAs(ctx, newVersion, "B")
	if err != nil {
		return nil, nil, err
	}
	if is.Phase != "idle" || !strings.Contains(is.Problem, version+" was given up") {
		m.Kill()
		return nil, nil, fmt.Errorf("after a release that does not start: %+v", is)
	}
	ok("%s does not start: %s is back without a hand, and says: %s", filepath.Base(file), newVersion, is.Problem)
	return m, con, nil
}

// mute starts a kernel that does nothing, until the watchdog has enough of it.
func (b *bench) mute(ctx context.Context) error {
	m, err := b.power(ctx)
	if err != nil {
		return err
	}
	defer m.Kill()
	select {
	case <-m.Gone():
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(watchdog):
	}
	for _, line := range m.Since() {
		if !strings.HasPrefix(line, "qemu-system-") {
			return fmt.Errorf("a kernel that was made not to start says: %s", line)
		}
	}
	_, _, err = b.cut(m, 0.5)
	return err
}

// panics starts a kernel whose first program ends: it starts the machine anew by itself.
func (b *bench) panics(ctx context.Context) error {
	m, err := b.power(ctx)
	if err != nil {
		return err
	}
	defer m.Kill()
	if _, err := m.Hear(ctx, "Kernel panic", startLimit); err != nil {
		return err
	}
	select {
	case <-m.Gone():
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(leaveLimit):
		return fmt.Errorf("it does not start anew\n%s", m.Last(10))
	}
	_, _, err = b.cut(m, 0.5)
	return err
}
