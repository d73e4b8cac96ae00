package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"chordophone/tools/vm/qemu"
)

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
