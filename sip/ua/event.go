package ua

import "fmt"

// Event is what the owner of a UA hears of. Call is the id given to Dial, or
// made by the UA for a call that came in or that the far side had us make.
type Event interface{ call() string }

// Offered says that somebody calls and hears ringback: Answer, Reject or
// Hangup it.
type Offered struct {
	Call string
	From string // the caller's number, which a telephone of the office vouched for
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

// Held says that a call is held or retrieved: by the far side, or by us, which
// the far side has confirmed. After Hold, an On other than asked for means that
// the far side refused.
type Held struct {
	Call  string
	ByFar bool
	On    bool
}

// Pressed says that the far side has pressed a key of the dial pad (0-9 * # A-D) and told so
// by signalling (INFO). Keys that come with the sound are Media's.
type Pressed struct {
	Call string
	Key  rune
}

// Transferred says that a call goes on as another one, because the far side
// handed us over: New is being made (Progress, Answered or Ended follow), or has
// come in and is answered at once. Call is ended by its far side or by us once
// New is answered; if New ends before that, Call goes on.
type Transferred struct {
	Call, New string
	To        string // number of the far side of New
}

// Referred says what became of Transfer or TransferTo: 200, and the call is
// over, or why the far side did not get there, and the call goes on.
type Referred struct {
	Call   string
	Status int
	Cause  string // for people
}

// Ended is the last event of a call.
type Ended struct {
	Call   string
	Status int    // a SIP status, as the package comment lists
	Cause  string // for people: the far side's Reason or ours; may be empty
	ByFar  bool   // the far side ended it
}

func (e Offered) call() string     { return e.Call }
func (e Progress) call() string    { return e.Call }
func (e Answered) call() string    { return e.Call }
func (e Held) call() string        { return e.Call }
func (e Pressed) call() string     { return e.Call }
func (e Transferred) call() string { return e.Call }
func (e Referred) call() string    { return e.Call }
func (e Ended) call() string       { return e.Call }

func (e Offered) String() string     { return fmt.Sprintf("offered from=%s name=%q", e.From, e.Name) }
func (e Progress) String() string    { return fmt.Sprintf("progress %d", e.Status) }
func (e Answered) String() string    { return fmt.Sprintf("answered peer=%s", e.Peer) }
func (e Held) String() string        { return fmt.Sprintf("held=%t by=%s", e.On, side(e.ByFar)) }
func (e Pressed) String() string     { return "pressed a key" } // never which: it may be of a secret
func (e Transferred) String() string { return fmt.Sprintf("transferred new=%s to=%s", e.New, e.To) }
func (e Referred) String() string    { return fmt.Sprintf("referred %d cause=%q", e.Status, e.Cause) }
func (e Ended) String() string {
	return fmt.Sprintf("ended %d by=%s cause=%q", e.Status, side(e.ByFar), e.Cause)
}

func side(far bool) string {
	if far {
		return "far"
	}
	return "us"
}
