package phone

import "chordophone/hal"

// Event is something that happened: one of the types below.
type Event interface {
	event()
	String() string
}

type (
	// Input is a movement of a key or of the hook.
	Input struct{ hal.Event }

	// Online says that this telephone can call and be called.
	Online struct{ Extension, Office, Node string }

	// Offline says that it cannot, and why. Calls that run go on.
	Offline struct{ Reason string }

	// Offered is an incoming call.
	Offered struct{ Call, From, Name string }

	// Progress is a provisional response to a call that was dialled.
	Progress struct {
		Call   string
		Status int
	}

	// Answered says that a call is agreed and speech may flow: the far end
	// lifted its handset, or this telephone's Answer was carried out.
	Answered struct{ Call string }

	// Ended says that a call is over for any reason but this telephone's own
	// Hangup or Reject. Status is the SIP status code of the final response,
	// zero if there was none.
	Ended struct {
		Call   string
		Status int
		Cause  string // for people; may be empty
		ByFar  bool
	}

	// Contact sets a lamp other than the line's own.
	Contact struct {
		Lamp   int
		Signal hal.Signal
	}

	// Enrolling says that new telephones may join with this pairing code;
	// an empty code that they no longer may.
	Enrolling struct{ Code string }

	// Tick says only that time has passed.
	Tick struct{}
)

func (Input) event()     {}
func (Online) event()    {}
func (Offline) event()   {}
func (Offered) event()   {}
func (Progress) event()  {}
func (Answered) event()  {}
func (Ended) event()     {}
func (Contact) event()   {}
func (Enrolling) event() {}
func (Tick) event()      {}
