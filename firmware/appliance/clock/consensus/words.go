package consensus

import "time"

// Source is where a member has its time from. More is better.
type Source uint8

const (
	Kept    Source = iota // it began with what was kept when it was last on
	Agreed                // it has compared its time with that of other members
	Set                   // a person has set it, or it is of a machine whose clock others look after
	Server                // a time server, within hours
	sources               // how many there are
)

// Valid reports whether a source is one that is known here.
func (s Source) Valid() bool { return s < sources }

func (s Source) String() string {
	return [...]string{"kept", "agreed", "set", "server"}[s]
}

// Ballot is what one member has said.
type Ballot struct {
	Source Source
	Offset time.Duration // to be added to the clock here, see Offset
}

// Standing is what is known of a member's own time.
type Standing struct {
	Source Source // Kept, Agreed or Set
	Told   Source // whoever else knew the time and told it since the program began: Set, Server; Kept: nobody
	With   int    // other members that have the same time, give or take a minute
	Heard  int    // members that have said what time they have, when they were asked last
}

// Known reports whether somebody who knew it has told the time since the program began.
func (s Standing) Known() bool { return s.Source == Set || s.Told > Kept }

// Events.
type (
	// Event is Sight, Tick, Round or Hand.
	Event interface{ event() }

	// Sight says whether other members can be asked.
	Sight struct{ Members bool }

	// Tick says that it is later. Synced: the clock is a time server's.
	Tick struct{ Synced bool }

	// Round is what came of an Ask.
	Round struct {
		Synced  bool // as in a Tick
		Office  int  // members enrolled, this one included; 0: not known
		Asked   int  // others that were asked
		Ballots []Ballot
	}

	// Hand says that a person has set the clock of this telephone.
	Hand struct{}
)

func (Sight) event() {}
func (Tick) event()  {}
func (Round) event() {}
func (Hand) event()  {}

// Actions.
type (
	// Action is Ask, Shift or Note.
	Action interface{ action() }

	// Ask has all members in sight asked. A Round follows.
	Ask struct{}

	// Shift moves the clock: forward at once, back by running slower.
	Shift struct{ By time.Duration }

	// Note is for the log.
	Note struct{ Text string }
)

func (Ask) action()   {}
func (Shift) action() {}
func (Note) action()  {}
