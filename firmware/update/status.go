package update

import (
	"time"

	"chordophone/firmware/update/release"
	"chordophone/firmware/update/slot"
	"chordophone/firmware/update/trial"
)

// Status is where the phone's update stands, for people.
type Status struct {
	Program   string          `json:"program"`
	Version   release.Version `json:"version"`
	Product   string          `json:"product"`
	Appliance bool            `json:"appliance"`
	Slot      string          `json:"slot,omitempty"` // that runs: "A" or "B"
	Keys      int             `json:"keys"`           // whose releases are taken
	Phase     string          `json:"phase"`          // as trial.Phase has it
	Next      string          `json:"next,omitempty"` // the version that is written, or is ready
	Done      int             `json:"done,omitempty"` // chunks of it
	Of        int             `json:"of,omitempty"`
	Waiting   bool            `json:"waiting,omitempty"` // it starts as soon as nobody calls
	Against   string          `json:"against,omitempty"` // what the vote has against the version on trial
	HandsOn   bool            `json:"hands_on"`          // other phones can have this release from here
	Rollout   string          `json:"rollout,omitempty"` // where this phone is with the office's release
	Earliest  time.Time       `json:"earliest,omitzero"` // it starts with the office's release then, when it is quiet
	Failed    []trial.Failure `json:"failed,omitempty"`  // given up, newest last
	Trouble   string          `json:"trouble,omitempty"` // what went wrong last
}

// Status is where the update stands.
func (u *Updater) Status() Status {
	s := Status{Program: u.cfg.Program, Version: u.version, Product: u.cfg.Product}
	if keys, err := u.keys(); err == nil {
		s.Keys = len(keys)
	}
	if u.cfg.Card == nil {
		s.Phase = trial.Idle.String()
		return s
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	memory := u.machine.Memory()
	s.Appliance = true
	s.Slot = string(rune('A' + u.machine.Running() - slot.A))
	s.Phase, s.Waiting = u.machine.Phase().String(), u.machine.Wanted()
	s.HandsOn, s.Failed, s.Against = u.kept != nil, memory.Failed, u.lastWhy
	switch {
	case u.writer != nil:
		s.Next = u.writing.String()
		s.Done, s.Of = u.writer.Done()
	case memory.Pending != nil && memory.Pending.Partition != u.machine.Running():
		s.Next = memory.In(memory.Pending.Partition).Version.String()
	}
	if u.troubled != nil {
		s.Trouble = u.troubled.Error()
	}
	if u.office != nil {
		s.Rollout, s.Earliest = u.office.status()
	}
	return s
}
