package trial

import (
	"fmt"

	"chordophone/firmware/update/health"
	"chordophone/firmware/update/release"
)

// Event is something that happened.
type Event interface{ isEvent() }

// Start is the first event: what the boot firmware, autoboot.txt and the memory say.
type Start struct {
	Running  int // partition
	OnTrial  bool
	Selected int // by autoboot.txt; 0: it is damaged
	Memory   Memory
}

// Begin asks for a release to be written. A person may ask for one that failed.
type Begin struct {
	Release  release.ID
	Manifest *release.Manifest
	Person   bool
}

// Written says that the slot has the release, read back, or why not.
type Written struct{ Err error }

// Try asks for the start on trial, as soon as nobody is calling.
type Try struct{ Now health.Report }

// Calls says whether a call is going on.
type Calls struct{ Busy bool }

// Verdict is that of the vote, never health.Undecided.
type Verdict struct {
	Verdict health.Verdict
	Why     string
}

// Trouble says that an action failed: a Select, Remember or Reboot. What followed it
// was not carried out.
type Trouble struct {
	Action Action
	Err    error
}

func (Start) isEvent()   {}
func (Begin) isEvent()   {}
func (Written) isEvent() {}
func (Try) isEvent()     {}
func (Calls) isEvent()   {}
func (Verdict) isEvent() {}
func (Trouble) isEvent() {}

// Action is something to be done, in the order given; an action is done when the
// medium has it. When one fails the rest is left undone, and Trouble comes next.
type Action interface{ isAction() }

// Select makes autoboot.txt name a partition.
type Select struct{ Partition int }

// Remember writes the memory.
type Remember struct{ Memory Memory }

// Write writes the release asked for into a partition. Written follows.
type Write struct{ Partition int }

// Reboot starts the machine again, once on trial or as autoboot.txt says.
type Reboot struct{ OnTrial bool }

// Refuse is the answer to Begin.
type Refuse struct{ Err error }

func (Select) isAction()   {}
func (Remember) isAction() {}
func (Write) isAction()    {}
func (Reboot) isAction()   {}
func (Refuse) isAction()   {}

func (a Select) String() string { return fmt.Sprintf("select %d", a.Partition) }
func (a Remember) String() string {
	s := fmt.Sprintf("remember newest %v", a.Memory.Newest)
	for i, c := range a.Memory.Content {
		if !c.Release.IsZero() {
			s += fmt.Sprintf(" %c=%v", 'A'+i, c.Version)
		}
	}
	if p := a.Memory.Pending; p != nil {
		s += fmt.Sprintf(" pending %d starts %d", p.Partition, p.Starts)
	}
	for _, f := range a.Memory.Failed {
		s += fmt.Sprintf(" failed %v (%s)", f.Version, f.Why)
	}
	return s
}
func (a Write) String() string { return fmt.Sprintf("write %d", a.Partition) }
func (a Reboot) String() string {
	if a.OnTrial {
		return "reboot on trial"
	}
	return "reboot"
}
func (a Refuse) String() string { return "refuse: " + a.Err.Error() }
