package ua

import "fmt"

// Event is what the owner of a UA hears of: Offered, Progress, Answered or
// Ended. Call is the id given to Dial, or made by the UA for a call that came
// in.
type Event interface{ call() string }

// Offered says that somebody calls and hears ringback: Answer, Reject or
// Hangup it.
type Offered struct {
	Call string
	From string // the caller's number, which its certificate proved
	Name string // what the caller calls itself; proves nothing, may be empty
}

// Progress says that a call we make got a provisional response above 100; 180
// is ringing. It comes once for each new status.
type Progress struct {
	Call   string
	Status int
}

// Answered says that the two sides agreed and speech may flow. The UA closes
// Media when the call ends; the owner runs it until then.
type Answered struct {
	Call  string
	Media Media
	Peer  string // the far side's number
}

// Ended is the last event of a call.
type Ended struct {
	Call   string
	Status int    // a SIP status, as the package comment lists
	Cause  string // for people: the far side's Reason or ours; may be empty
	ByFar  bool   // the far side ended it
}

func (e Offered) call() string  { return e.Call }
func (e Progress) call() string { return e.Call }
func (e Answered) call() string { return e.Call }
func (e Ended) call() string    { return e.Call }

func (e Offered) String() string  { return fmt.Sprintf("offered from=%s name=%q", e.From, e.Name) }
func (e Progress) String() string { return fmt.Sprintf("progress %d", e.Status) }
func (e Answered) String() string { return fmt.Sprintf("answered peer=%s", e.Peer) }

func (e Ended) String() string {
	by := "us"
	if e.ByFar {
		by = "far"
	}
	return fmt.Sprintf("ended %d by=%s cause=%q", e.Status, by, e.Cause)
}
