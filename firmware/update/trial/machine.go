package trial

import (
	"errors"
	"fmt"
	"slices"

	"chordophone/firmware/update/health"
	"chordophone/firmware/update/release"
	"chordophone/firmware/update/slot"
)

// Reasons to refuse a release.
var (
	ErrProduct   = errors.New("this release is for another product")
	ErrSame      = errors.New("this version runs already")
	ErrDowngrade = errors.New("this release is older than what ran here before")
	ErrTooFar    = errors.New("this release cannot follow the version that runs; install the one between first")
	ErrFailed    = errors.New("this release was tried here and given up")
	ErrOnTrial   = errors.New("the version that runs is itself on trial; wait until that is decided")
	ErrBusy      = errors.New("another release is being written")
	ErrLeaving   = errors.New("the phone is about to start again")
)

// maxStarts is how often a release is started on trial that says nothing: the first
// time the power may have failed.
const maxStarts = 2

// Phase is where an update stands.
type Phase int

// The phases: see the drawing in the package comment.
const (
	Idle Phase = iota
	Writing
	Ready
	Leaving
	OnTrial
)

func (p Phase) String() string {
	return [...]string{"idle", "writing", "ready", "leaving", "on trial"}[p]
}

// Machine is the state machine.
type Machine struct {
	product string
	version release.Version // of the program that runs

	phase    Phase
	running  int
	selected int
	mem      Memory
	busy     bool
	wanted   bool   // Try was asked for
	undo     Memory // before a verdict that has to be taken back if autoboot.txt cannot be written
	begun    Begin
}

// New makes the machine of a phone that runs a version of a product.
func New(product string, version release.Version) *Machine {
	return &Machine{product: product, version: version}
}

// Phase is where the update stands.
func (m *Machine) Phase() Phase { return m.phase }

// Wanted reports whether a release that is ready is tried as soon as nobody calls.
func (m *Machine) Wanted() bool { return m.phase == Ready && m.wanted }

// Memory is what is remembered.
func (m *Machine) Memory() Memory {
	mem := m.mem
	mem.Failed = slices.Clone(mem.Failed)
	if mem.Pending != nil {
		p := *mem.Pending
		mem.Pending = &p
	}
	return mem
}

// Running is the partition of the slot that runs.
func (m *Machine) Running() int { return m.running }

// Settled reports whether the slot that runs is the one that is started by itself: it is
// not on trial, nor given up.
func (m *Machine) Settled() bool { return m.running == m.selected }

// Step takes an event.
func (m *Machine) Step(ev Event) []Action {
	switch ev := ev.(type) {
	case Start:
		return m.start(ev)
	case Begin:
		return m.begin(ev)
	case Written:
		return m.written(ev)
	case Try:
		if m.phase == Ready && !m.wanted {
			m.wanted = true
			if m.mem.Pending.Starts == 0 {
				m.mem.Pending.Before = ev.Now
			}
		}
		return m.leave()
	case Calls:
		m.busy = ev.Busy
		return m.leave()
	case Verdict:
		return m.verdict(ev)
	case Trouble:
		return m.trouble(ev)
	}
	panic(fmt.Sprintf("BUG: event %T", ev))
}

// start finds out what the last start left.
func (m *Machine) start(ev Start) []Action {
	m.running, m.selected, m.mem = ev.Running, ev.Selected, ev.Memory
	p := m.mem.Pending
	switch {
	case m.selected != m.running && (ev.OnTrial || p != nil && p.Partition == m.running):
		m.phase = OnTrial
		if p == nil || p.Partition != m.running { // the data partition was lost
			m.mem.Pending = &Pending{Partition: m.running, Starts: 1, Before: health.Report{Joined: true, Registered: true, Audio: true, Panel: true, Console: true}}
		}
		return nil
	case p != nil && p.Partition == m.running:
		// It was selected, and the power failed before that was remembered.
		return m.keep()
	case p != nil && p.Starts >= maxStarts:
		return m.giveUp(p.Partition, "it did not start, or did not say that it works")
	case p != nil:
		m.phase, m.wanted = Ready, p.Starts > 0
	}
	return nil
}

// Check says why a release may not be installed, or nil.
func (m *Machine) Check(ev Begin) error {
	man := ev.Manifest
	switch {
	case man.Product != m.product:
		return fmt.Errorf("%w: %s, and this is %s", ErrProduct, man.Product, m.product)
	case man.Version.Compare(m.mem.Newest) < 0 || man.Version.Compare(m.version) < 0:
		return fmt.Errorf("%w: %v", ErrDowngrade, man.Version)
	case man.Version.Compare(m.version) == 0:
		return fmt.Errorf("%w: %v", ErrSame, man.Version)
	case m.version.Compare(man.From) < 0 && m.version != release.Version{}:
		return fmt.Errorf("%w: %v runs, and it wants %v", ErrTooFar, m.version, man.From)
	case !ev.Person && slices.ContainsFunc(m.mem.Failed, func(f Failure) bool { return f.Release == ev.Release }):
		return fmt.Errorf("%w: %v", ErrFailed, man.Version)
	}
	switch m.phase {
	case Writing:
		return ErrBusy
	case Leaving:
		return ErrLeaving
	case OnTrial:
		return ErrOnTrial
	}
	return nil
}

func (m *Machine) begin(ev Begin) []Action {
	if err := m.Check(ev); err != nil {
		return []Action{Refuse{err}}
	}
	m.phase, m.begun, m.wanted = Writing, ev, false
	other := slot.Other(m.running)
	var do []Action
	if m.selected != m.running {
		// The firmware passed over the other slot, or somebody edited the file.
		// Before that slot is written to, nothing may start it.
		do = append(do, Select{m.running})
		m.selected = m.running
	}
	if m.mem.Pending != nil || *m.mem.of(other) != (Content{}) {
		// What it had is gone with the first chunk.
		m.mem.Pending, *m.mem.of(other) = nil, Content{}
		do = append(do, Remember{m.Memory()})
	}
	return append(do, Write{other})
}

func (m *Machine) written(ev Written) []Action {
	if m.phase != Writing {
		return nil
	}
	if ev.Err != nil {
		m.phase = Idle
		return nil
	}
	m.phase = Ready
	other := slot.Other(m.running)
	*m.mem.of(other) = Content{m.begun.Release, m.begun.Manifest.Version}
	m.mem.Pending = &Pending{Partition: other}
	return []Action{Remember{m.Memory()}}
}

// leave starts the trial if it is time.
func (m *Machine) leave() []Action {
	if !m.Wanted() || m.busy {
		return nil
	}
	m.phase = Leaving
	m.mem.Pending.Starts++
	return []Action{Remember{m.Memory()}, Reboot{OnTrial: true}}
}

func (m *Machine) verdict(ev Verdict) []Action {
	if m.phase != OnTrial {
		return nil
	}
	if ev.Verdict == health.Good {
		m.undo = m.Memory()
		return append([]Action{Select{m.running}}, m.keep()...)
	}
	return m.goBack(ev.Why)
}

// goBack ends a trial with the slot that ran before.
func (m *Machine) goBack(why string) []Action {
	do := m.giveUp(m.running, why)
	m.phase = Leaving
	return append(do, Reboot{})
}

// keep remembers that the slot which runs is good.
func (m *Machine) keep() []Action {
	m.phase, m.selected, m.mem.Pending = Idle, m.running, nil
	if m.version.Compare(m.mem.Newest) > 0 {
		m.mem.Newest = m.version
	}
	return []Action{Remember{m.Memory()}}
}

// giveUp remembers that what a slot has is no good.
func (m *Machine) giveUp(partition int, why string) []Action {
	m.phase, m.mem.Pending = Idle, nil
	c := m.mem.In(partition)
	if partition == m.running {
		c.Version = m.version
	}
	m.mem.fail(Failure{c.Release, c.Version, why})
	return []Action{Remember{m.Memory()}}
}

// trouble is for what could not be done. The phone goes on as it is, but for a trial
// that cannot be kept, or given up in good order: it ends with the old slot.
func (m *Machine) trouble(ev Trouble) []Action {
	switch failed := ev.Action.(type) {
	case Select:
		if m.phase == Writing { // nothing is written yet
			m.phase, m.selected = Idle, 0
			return nil
		}
		m.selected, m.mem = 0, m.undo
		return m.goBack("it could not be kept: " + ev.Err.Error())
	case Remember:
		switch {
		case m.phase == Writing: // as above
			m.phase = Idle
		case m.phase == Leaving && m.mem.Pending != nil:
			m.mem.Pending.Starts--
			m.phase, m.wanted = Ready, false
		case m.phase == Leaving:
			return []Action{Reboot{}}
		}
	case Reboot:
		if failed.OnTrial {
			m.phase, m.wanted = Ready, false
		}
	}
	return nil
}
