package rollout

import (
	"fmt"

	"chordophone/firmware/update/release"
	"chordophone/overlay"
)

// Event is something that happened.
type Event interface{ isEvent() }

// Own is how this phone is from now on: at the start, and whenever the trial of a
// release begins or ends, or a person has one installed.
type Own struct{ Notice Notice }

// Notices is what all phones say, in any order. This phone's own is passed over.
type Notices struct{ Phones []Phone }

// Phone is what one phone says.
type Phone struct {
	Node   overlay.ID
	Notice Notice
}

// Learned is the answer to Learn.
type Learned struct {
	Release release.ID
	Source  overlay.ID
	Version release.Version // that the signed manifest says, if Outcome is Fits
	Outcome Outcome
}

// Outcome is what came of looking at a release.
type Outcome int

// The outcomes.
const (
	Fits        Outcome = iota // signed, and this phone may install it
	Unfit                      // signed, and this phone may not
	Garbage                    // not signed, or not what was asked for
	Unreachable                // no answer
)

func (o Outcome) String() string {
	return [...]string{"fits", "unfit", "garbage", "unreachable"}[o]
}

// Fetched is the answer to Fetch: the release is written and read back, or not.
type Fetched struct {
	Release release.ID
	Err     error
}

// Free says whether this phone may leave: nobody calls, and the hour is right.
type Free struct{ Free bool }

// Tick lets time pass.
type Tick struct{}

func (Own) isEvent()     {}
func (Notices) isEvent() {}
func (Learned) isEvent() {}
func (Fetched) isEvent() {}
func (Free) isEvent()    {}
func (Tick) isEvent()    {}

// Action is something to be done.
type Action interface{ isAction() }

// Announce puts this phone's notice into the ring.
type Announce struct{ Notice Notice }

// Learn asks a phone for the signed manifest of the release that it says it runs.
// Learned follows.
type Learn struct {
	Release release.ID
	Source  overlay.ID
}

// Fetch writes a release into the slot that does not run, from phones that run it.
// Fetched follows.
type Fetch struct {
	Release release.ID
	Sources []overlay.ID
}

// Try starts the release on trial.
type Try struct{ Release release.ID }

func (Announce) isAction() {}
func (Learn) isAction()    {}
func (Fetch) isAction()    {}
func (Try) isAction()      {}

func (a Announce) String() string {
	s := fmt.Sprintf("announce %v, %v", a.Notice.Version, a.Notice.State)
	if a.Notice.State != Well {
		s += fmt.Sprintf(" %v", a.Notice.SubjectVersion)
	}
	return s
}
func (a Learn) String() string { return fmt.Sprintf("learn %.4s of %.4s", a.Release, a.Source) }
func (a Fetch) String() string {
	s := fmt.Sprintf("fetch %.4s from", a.Release)
	for _, id := range a.Sources {
		s += fmt.Sprintf(" %.4s", id)
	}
	return s
}
func (a Try) String() string { return fmt.Sprintf("try %.4s", a.Release) }
