package update

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"chordophone/firmware/update/fetch"
	"chordophone/firmware/update/health"
	"chordophone/firmware/update/release"
	"chordophone/firmware/update/slot"
	"chordophone/firmware/update/trial"
)

// Updater is the phone's update. It is safe for concurrent use.
type Updater struct {
	cfg     Config
	files   files
	version release.Version
	server  *fetch.Server
	office  *office // nil: alone

	mu       sync.Mutex // guards what follows, and that actions are carried out in order
	machine  *trial.Machine
	vote     *health.Vote    // nil: not on trial
	writer   *slot.Writer    // nil: nothing is written
	writing  release.Version // what is
	kept     *release.Signed // what runs, and is known to be good; nil: not known
	lastWhy  string          // what the vote has against the release
	troubled error           // the last action that failed
}

// ErrNoSlots means that this is no appliance.
var ErrNoSlots error = hinted{"this phone has no slots to install a release in",
	"it runs as a program on somebody's system: update it the way it was installed; make image makes an appliance"}

// hinted is an error for people, with what to do about it.
type hinted struct{ text, hint string }

func (e hinted) Error() string { return e.text }

// Hint is what to do about it.
func (e hinted) Hint() string { return e.hint }

// New finds out what the last start left. It fails when the card cannot be read, or it is
// not known which slot runs; what is lost or damaged in the data directory is forgotten.
func New(cfg Config) (*Updater, error) { return newUpdater(cfg, dir(cfg.Dir)) }

func newUpdater(cfg Config, kept files) (*Updater, error) {
	u := &Updater{cfg: cfg, files: kept, version: release.VersionOf(cfg.Program)}
	u.machine = trial.New(cfg.Product, u.version)
	u.server = fetch.NewServer(shelf{u})
	if cfg.Card == nil {
		return u, nil
	}
	if r := cfg.Card.Running; r != slot.A && r != slot.B {
		return nil, fmt.Errorf("update: the boot firmware says that partition %d runs, which is no slot", r)
	}
	memory, err := u.recall()
	if err != nil {
		cfg.Log.Warn("what was known of updates is lost", "err", err)
	}
	selected, err := cfg.Card.Slots.Selected()
	switch {
	case errors.Is(err, slot.ErrAutoboot):
		cfg.Log.Warn("the card does not say which slot is started", "err", err)
	case err != nil:
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.step(trial.Start{Running: cfg.Card.Running, OnTrial: cfg.Card.OnTrial, Selected: selected.Default, Memory: memory})
	if u.machine.Phase() == trial.OnTrial {
		u.vote = health.New(health.Default, cfg.Card.Started, u.machine.Memory().Pending.Before)
		cfg.Log.Info("this version is on trial", "version", u.version)
	}
	u.keep()
	if cfg.Office != nil {
		u.office = newOffice(u)
	}
	return u, nil
}

func (u *Updater) recall() (trial.Memory, error) {
	b, err := u.files.read(memoryFile)
	if err != nil {
		return trial.Memory{}, err
	}
	return trial.ParseMemory(b)
}

// keep finds the head of the release that runs, so that it can be handed on. The caller
// holds mu.
func (u *Updater) keep() {
	u.kept = nil
	if !u.machine.Settled() {
		return
	}
	running := u.machine.Running()
	content := u.machine.Memory().In(running)
	if content.Release.IsZero() {
		return
	}
	head, err := u.files.read(headFile(running))
	if err != nil {
		return
	}
	keys, err := u.keys()
	if err != nil {
		return
	}
	s, err := release.ParseSigned(head, keys)
	if err == nil && s.ID() == content.Release {
		u.kept = s
	}
}

func (u *Updater) keys() ([]release.Key, error) {
	return release.ReadKeys(filepath.Join(u.cfg.Dir, release.KeyFile))
}

// Run waits for what there is to do until ctx is cancelled.
func (u *Updater) Run(ctx context.Context) error {
	if u.cfg.Card == nil {
		<-ctx.Done()
		return nil
	}
	if u.cfg.Card.OnTrial && u.settled() {
		u.cfg.Card.Good()
	}
	if u.office != nil {
		u.office.begin(ctx)
		defer u.office.end()
	}
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		u.second(time.Now())
		if u.office != nil {
			u.office.second(ctx, time.Now())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-second.C:
		}
	}
}

// second is what is done once a second.
func (u *Updater) second(now time.Time) {
	busy, report := u.cfg.Busy(), u.cfg.Health()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.step(trial.Calls{Busy: busy})
	if u.vote == nil {
		return
	}
	verdict := u.vote.Step(now, report)
	u.lastWhy = u.vote.Why()
	if verdict == health.Undecided {
		return
	}
	u.cfg.Log.Warn("the trial is over", "version", u.version, "verdict", verdict, "why", u.lastWhy)
	u.vote = nil
	u.step(trial.Verdict{Verdict: verdict, Why: u.lastWhy})
	u.keep()
	if u.machine.Settled() {
		u.cfg.Card.Good()
	}
}

func (u *Updater) settled() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.machine.Settled()
}

// step takes an event to the machine and carries out what comes of it, in order. A Write
// is left to the caller. The caller holds mu.
func (u *Updater) step(ev trial.Event) (write *trial.Write, err error) {
	do := u.machine.Step(ev)
	for len(do) > 0 {
		a := do[0]
		do = do[1:]
		var failed error
		switch a := a.(type) {
		case trial.Select:
			failed = u.cfg.Card.Slots.Select(a.Partition)
		case trial.Remember:
			failed = u.remember(a.Memory)
		case trial.Reboot:
			u.cfg.Log.Warn("starting again", "on trial", a.OnTrial)
			failed = u.cfg.Card.Reboot(a.OnTrial)
		case trial.Write:
			write = &a
		case trial.Refuse:
			err = a.Err
		}
		if failed != nil {
			u.cfg.Log.Error("update", "action", fmt.Sprintf("%T", a), "err", failed)
			u.troubled = failed
			err = failed
			do = u.machine.Step(trial.Trouble{Action: a, Err: failed})
		}
	}
	return write, err
}

func (u *Updater) remember(m trial.Memory) error {
	b, err := m.Marshal()
	if err != nil {
		return err
	}
	return u.files.write(memoryFile, b)
}
