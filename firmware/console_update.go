package firmware

import (
	"context"
	"fmt"
	"io"

	"chordophone/firmware/manage"
	updates "chordophone/firmware/update"
)

// ownMachine is manage.Appliance: what the console does with the machine where the
// program owns it.
type ownMachine struct {
	updater *updates.Updater
	reboot  func() error // begins it
}

var _ manage.Appliance = ownMachine{}

func (m ownMachine) Install(ctx context.Context, r io.Reader, progress func(manage.Progress)) error {
	return m.updater.Install(ctx, r, func(p updates.Progress) {
		progress(manage.Progress{Stage: string(p.Stage), Done: p.Done, Of: p.Of})
	})
}

func (m ownMachine) Installed(context.Context) (manage.Installed, error) {
	s := m.updater.Status()
	i := manage.Installed{
		Running: s.Program, Slot: s.Slot, Phase: s.Phase, Next: s.Next, Office: s.Rollout, Earliest: s.Earliest,
		Problem: s.Trouble,
	}
	if n := len(s.Failed); i.Problem == "" && n > 0 {
		i.Problem = fmt.Sprintf("%s was given up: %s", s.Failed[n-1].Version, s.Failed[n-1].Why)
	}
	return i, nil
}

func (m ownMachine) Leave(context.Context) error { return m.updater.Leave() }

func (m ownMachine) Reboot(context.Context) error { return m.reboot() }
