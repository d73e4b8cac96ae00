package manage

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"chordophone/firmware/backup"
	"chordophone/firmware/metrics"
)

// The commands that keep, bring back and replace.

// errNoAppliance is the error where the program does not own the machine.
var errNoAppliance = hinted{
	errors.New("this is not an appliance: the program runs on a machine that others look after"),
	"replace the program and start it again there, as any other one",
}

// passphrase takes the first line of what a command is given. Somebody who types is
// asked for it.
func (s *shell) passphrase() (string, *bufio.Reader, error) {
	if s.terminal {
		return "", nil, usageError{"not with a terminal, which would show the passphrase and cannot take a file", "without ssh -t: help says how"}
	}
	asked := make(chan struct{})
	ask := time.AfterFunc(time.Second, func() {
		defer close(asked)
		io.WriteString(s.err, "passphrase, and then Enter (your terminal may show it):\n")
	})
	in := bufio.NewReaderSize(s.in, maxPassphrase)
	line, err := in.ReadSlice('\n')
	if !ask.Stop() {
		<-asked
	}
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", nil, usageError{"the first line is too long for a passphrase", "standard input begins with a line with the passphrase"}
	case len(line) == 0:
		return "", nil, usageError{"no passphrase", "standard input begins with a line with the passphrase"}
	}
	return string(bytes.TrimRight(line, "\r\n")), in, nil
}

func makeBackup(ctx context.Context, s *shell, o *options, _ []string) error {
	secret, _, err := s.passphrase()
	if err != nil {
		return err
	}
	m, err := s.phone.Backup(ctx, s.out, secret)
	toErr := *s
	toErr.out = s.err
	return answer(&toErr, o, writeBackup)(m, err)
}

func writeBackup(p *page, m backup.Manifest) {
	p.line("extension %d of %s: %s, %s", m.Extension, m.Office, count(m.Records, "record", "records"), count(m.Calls, "call", "calls"))
}

func restore(ctx context.Context, s *shell, o *options, _ []string) error {
	secret, in, err := s.passphrase()
	if err != nil {
		return err
	}
	done, err := s.phone.Restore(ctx, in, secret, backup.Options{Older: o.older, Replace: o.replace})
	done.Files = some(done.Files)
	return answer(s, o, writeRestored)(done, err)
}

func writeRestored(p *page, r backup.Restored) {
	p.line("restored: extension %d of %s as of %s", r.Extension, r.Office, r.Taken.Format("2006-01-02 15:04"))
	p.fields(
		[2]string{"files", strings.Join(r.Files, ", ")},
		[2]string{"records", fmt.Sprintf("%d of %d were missing or older here", r.Applied, r.Records)},
	)
	if r.Refused > 0 {
		p.line("%s left out: the office does not accept them", count(r.Refused, "record is", "records are"))
	}
	p.hint("start the phone anew now: reboot, or stop and start the program")
}

func writeMetrics(p *page, list []metrics.Family) { metrics.Write(p, list) }

func writeProgress(p *page, w Progress) {
	p.line("%s: %s of %s", w.Stage, size(uint64(w.Done)), size(uint64(w.Of)))
}

func update(ctx context.Context, s *shell, o *options, args []string) error {
	switch {
	case s.device == nil:
		return errNoAppliance
	case len(args) == 1 && args[0] == "now":
		return answer(s, o, writeDone)(done{"the phone starts with the release as soon as nobody calls"}, s.device.Leave(ctx))
	case len(args) == 1 && args[0] != "status":
		return usageError{fmt.Sprintf("%q is too much", args[0]), "the release comes by standard input: update < FILE"}
	case len(args) == 1:
		return answer(s, o, writeInstalled)(s.device.Installed(ctx))
	case s.terminal:
		return usageError{"not with a terminal, which cannot take a file", "without ssh -t: ssh ... update < FILE"}
	}
	progress := *s
	if !o.json {
		progress.out = s.err
	}
	var told time.Time
	var last Progress
	err := s.device.Install(ctx, s.in, func(p Progress) {
		if now := time.Now(); p.Stage != last.Stage || p.Done >= p.Of || now.Sub(told) >= progressEvery {
			told = now
			answer(&progress, o, writeProgress)(p, nil)
		}
		last = p
	})
	return answer(s, o, writeDone)(done{"the release is installed; the phone starts with it as soon as nobody calls"}, err)
}

func writeInstalled(p *page, i Installed) {
	starts := ""
	if !i.Earliest.IsZero() {
		starts = i.Earliest.Format("2006-01-02 15:04 MST") + " at the earliest; at once: update now"
	}
	p.fields(
		[2]string{"running", i.Running},
		[2]string{"slot", i.Slot},
		[2]string{"update", i.Phase},
		[2]string{"next", i.Next},
		[2]string{"office", i.Office},
		[2]string{"starts", starts},
		[2]string{"problem", i.Problem},
	)
}
