package guard

import (
	"time"

	"chordophone/firmware/appliance/beat"
)

// Program is one of the two that PID 1 starts.
type Program int

const (
	Network Program = iota
	Telephone
	programs
)

func (p Program) String() string { return [...]string{"network", "telephone"}[p] }

// How is how the machine starts anew, or not.
type How string

const (
	Reboot   How = "reboot"
	TryBoot  How = "tryboot" // start the other system, once
	PowerOff How = "poweroff"
)

// Events.
type (
	// Event is Begin, Exited, Said, Renew, Ask or Tick.
	Event interface{ event() }

	// Begin says that the machine is up, so far.
	Begin struct{}

	// Exited says that a program has ended, or could not be started (Code -1).
	Exited struct {
		Program Program
		Code    int // that of a signal is -1
	}

	// Said is what a program told.
	Said struct {
		Program Program
		Message beat.Message
	}

	// Renew says that the telephone is to be started anew as soon as nobody is talking.
	Renew struct{ Why string }

	// Ask is a request from outside: a signal to PID 1, the three keys.
	Ask struct{ How How }

	// Tick says that it is later.
	Tick struct{}
)

func (Begin) event()  {}
func (Exited) event() {}
func (Said) event()   {}
func (Renew) event()  {}
func (Ask) event()    {}
func (Tick) event()   {}

// Signal is how a program is told to end.
type Signal string

const (
	Term Signal = "term" // in order
	Quit Signal = "quit" // with a trace of all that it does
	Kill Signal = "kill"
)

// Actions.
type (
	// Action is Start, End, Feed, Leave, Name or Note.
	Action interface{ action() }

	// Start starts a program.
	Start struct {
		Program Program
		Safe    bool // without the configuration that it refused
	}

	// End sends a program a signal.
	End struct {
		Program Program
		Signal  Signal
	}

	// Feed feeds the watchdog.
	Feed struct{}

	// Leave ends it all: data to the disk, and the machine starts anew.
	Leave struct{ How How }

	// Name gives the machine its name.
	Name struct{ Name string }

	// Note is for the log.
	Note struct{ Text string }
)

func (Start) action() {}
func (End) action()   {}
func (Feed) action()  {}
func (Leave) action() {}
func (Name) action()  {}
func (Note) action()  {}

// Config is what differs from one start of the machine to the next.
type Config struct {
	Trial bool // this system is on trial
}

const (
	feedEvery  = 5 * time.Second
	fresh      = 10 * time.Second // a heartbeat, and a loop's last answer
	grace      = time.Minute      // until a program's first heartbeat
	killAfter  = 3 * time.Second  // after Quit
	leaveAfter = 20 * time.Second // after Term
	longLife   = time.Minute
	firstWords = 5 * time.Second  // after which a program has read its command line
	patience   = 10 * time.Second // for an address
	settled    = 5 * time.Second  // an address, before the telephone moves to it
	maxLives   = 12               // short ones, in a row
	maxBackoff = time.Minute
	soon       = 200 * time.Millisecond
	maxTrial   = 10 * time.Minute
	codeUsage  = 2   // the command line or the configuration cannot be used
	codePerson = 125 // starting again will not help
)
