package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"chordophone/tools/vm/qemu"
)

// How long things may take.
const (
	installLimit = 5 * time.Minute
	trialLimit   = 6 * time.Minute  // more than the telephone's own patience, and its start
	leaveLimit   = 2 * time.Minute  // for a telephone that starts anew by itself
	watchdog     = 20 * time.Second // of the boot firmware, in which a kernel must have started
)

// installed is what "update status" says.
type installed struct{ Running, Slot, Phase, Next, Problem string }

// updates installs releases in the telephone of the image, which is held to what it
// promises all the while.
func updates(ctx context.Context, s settings) error {
	dir := filepath.Join(s.out, "update")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	s.program = filepath.Join(dir, "chordophone-"+oldVersion)
	if err := build(ctx, s.program, "./firmware/cmd/chordophone", "v"+oldVersion); err != nil {
		return err
	}
	files, err := makeReleases(ctx, s, dir)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, s, "update", files.signer)
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

// install gives the telephone a release. The answer is what it says of it, also with
// an error.
func (c *console) install(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	s, err := c.NewSession()
	if err != nil {
		return "", err
	}
	defer s.Close()
	defer time.AfterFunc(installLimit, func() { c.Close() }).Stop()
	var answer strings.Builder
	s.Stdin, s.Stderr = f, &answer
	err = s.Run("update")
	return answer.String(), err
}

// refuse gives the telephone releases that it must not take: pairs of a file and of
// words of the reason.
func (b *bench) refuse(ctx context.Context, pairs ...string) error {
	m, con, is, err := b.startAs(ctx, oldVersion, "A")
	if err != nil {
		return err
	}
	defer m.Kill()
	defer con.Close()
	if err := refuse(con, is, pairs...); err != nil {
		return err
	}
	_, _, err = b.cut(m, 0.5)
	return err
}

func refuse(con *console, before installed, pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		answer, err := con.install(pairs[i])
		var exit *ssh.ExitError
		if !errors.As(err, &exit) || !strings.Contains(answer, pairs[i+1]) {
			return fmt.Errorf("%s was to be refused with %q: %w, %s", pairs[i], pairs[i+1], err, answer)
		}
		var is installed
		if err := con.run(&is, "update status"); err != nil {
			return err
		}
		if is != before {
			return fmt.Errorf("%s was refused, and changed %+v to %+v", pairs[i], before, is)
		}
		ok("refused: %s", strings.Join(strings.Fields(answer), " "))
	}
	return nil
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
	wait, write := time.Duration(b.rng.Int64N(int64(6*time.Second))), 0
	if n%2 == 0 {
		write = 1 + b.rng.IntN(30)
	}
	b.moment(ctx, wait, write)
	dirty, survived, err := b.cut(m, 0.5)
	con.Close()
	writing.Wait()
	note("cut %d: %.1f s after the update began, %d sectors were unflushed, %d of them survived", n, time.Since(begin).Seconds(), dirty, survived)
	return errors.Join(err, early)
}

// succeed installs a release while the telephone works, and follows it until it starts
// by itself.
func (b *bench) succeed(ctx context.Context, file string) error {
	m, con, _, err := b.startAs(ctx, oldVersion, "A")
	if err != nil {
		return err
	}
	defer m.Kill()
	if err := b.installAndLeave(ctx, m, con, file); err != nil {
		return err
	}

	m, con, is, err := b.startAs(ctx, newVersion, "B")
	if err != nil {
		return err
	}
	defer m.Kill()
	if is.Phase != "on trial" {
		return fmt.Errorf("the new version runs, and is not on trial: %+v", is)
	}
	if p, err := b.chosen(); err != nil || p != 2 {
		return fmt.Errorf("partition %d starts while version %s is on trial, want 2 (%w)", p, newVersion, err)
	}
	for is.Phase != "idle" {
		if time.Since(m.Started) > trialLimit {
			return fmt.Errorf("the trial does not end: %+v\n%s", is, m.Last(10))
		}
		time.Sleep(time.Second)
		if err := con.run(&is, "update status"); err != nil {
			return fmt.Errorf("on trial: %w\n%s", err, m.Last(20))
		}
	}
	took := time.Since(m.Started)
	con.Close()
	if p, err := b.chosen(); err != nil || p != 3 {
		return fmt.Errorf("partition %d starts after version %s was found good, want 3 (%w)", p, newVersion, err)
	}
	if _, _, err := b.cut(m, 0); err != nil { // nothing that is only in the cache may matter
		return err
	}
	m, con, is, err = b.startAs(ctx, newVersion, "B")
	if err != nil {
		return err
	}
	defer m.Kill()
	con.Close()
	if is.Phase != "idle" || is.Problem != "" {
		return fmt.Errorf("after the update: %+v", is)
	}
	ok("updated by SSH from %s to %s: found good %.0f s after its start on trial, and starts by itself since; all promises are kept", oldVersion, newVersion, took.Seconds())
	_, _, err = b.cut(m, 0.5)
	return err
}

// installAndLeave installs a release while the telephone promises things, and waits
// until the machine starts anew, on trial. The release must be on the medium by then.
func (b *bench) installAndLeave(ctx context.Context, m *qemu.Machine, con *console, file string) error {
	worker, err := b.admin.ready(ctx)
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { b.promises.work(working, b.client, worker) })
	begin := time.Now()
	answer, err := con.install(file)
	took := time.Since(begin)
	stop()
	worker.Close()
	done.Wait()
	con.Close()
	if err != nil {
		return fmt.Errorf("%w: %s\n%s", err, answer, m.Last(20))
	}
	if err := b.leaves(ctx, m); err != nil {
		return err
	}
	note("%s was installed in %.1f s, while %d promises were made", filepath.Base(file), took.Seconds(), b.promises.count().all())
	return nil
}

// leaves waits until the telephone starts the machine anew, on trial, and takes the
// power from the disk for a moment.
func (b *bench) leaves(ctx context.Context, m *qemu.Machine) error {
	if _, err := m.Hear(ctx, "Restarting system with command '0 tryboot'", leaveLimit); err != nil {
		return err
	}
	select {
	case <-m.Gone():
	case <-time.After(leaveLimit):
		return fmt.Errorf("it does not start anew\n%s", m.Last(10))
	}
	dirty, _, err := b.cut(m, 0)
	if dirty > 0 && err == nil {
		err = fmt.Errorf("%d sectors were not on the medium when the machine started anew", dirty)
	}
	b.tryboot = true
	return err
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

// fail installs a release that does not start. The telephone tries it a second time,
// for the power may have failed, and then gives it up.
func (b *bench) fail(ctx context.Context, files releases) error {
	m, con, is, err := b.startAs(ctx, newVersion, "B")
	if err != nil {
		return err
	}
	defer m.Kill()
	if err := refuse(con, is, files.older, "older than what ran", files.good, "runs already", files.foreign, "another product"); err != nil {
		return err
	}
	if err := b.installAndLeave(ctx, m, con, files.bad); err != nil {
		return err
	}
	if err := b.hang(ctx); err != nil {
		return err
	}
	if m, err = b.power(ctx); err != nil { // it leaves as soon as it may, before anybody can ask
		return err
	}
	defer m.Kill()
	if err := b.leaves(ctx, m); err != nil {
		return fmt.Errorf("the second trial: %w", err)
	}
	if err := b.hang(ctx); err != nil {
		return err
	}
	m, con, is, err = b.startAs(ctx, newVersion, "B")
	if err != nil {
		return err
	}
	defer m.Kill()
	defer con.Close()
	if is.Phase != "idle" || !strings.Contains(is.Problem, badVersion+" was given up") {
		return fmt.Errorf("after a release that does not start: %+v", is)
	}
	ok("a release that does not start: version %s is back without a hand, and says: %s", newVersion, is.Problem)
	_, _, err = b.cut(m, 0.5)
	return err
}

// hang starts a system that does nothing, until the watchdog has enough of it.
func (b *bench) hang(ctx context.Context) error {
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
