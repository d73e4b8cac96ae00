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

	// Held says that a call is held or retrieved: by the far side, or by this
	// telephone, which the far side has agreed to.
	Held struct {
		Call  string
		ByFar bool
		On    bool
	}

	// Transferred says that the far side of a call has handed this telephone
	// over to somebody else: the call goes on as New, for which Progress,
	// Answered and Ended come. If New ends unanswered, Call goes on.
	Transferred struct {
		Call, New string
		To        string // number of the far side of New
	}

	// Referred says what became of Transfer or TransferTo: 200, and Ended
	// follows for Call; else why it failed, and Call goes on.
	Referred struct {
		Call   string
		Status int
		Cause  string // for people; may be empty
	}

	// Directory sets whom the code **1# and so on dials, numbered as the
	// contacts' lamps: LampContact is 1. Without a number there is nobody.
	Directory struct {
		Lamp         int
		Number, Name string
	}

	// Messages says how many messages wait. It sets their lamp as well.
	Messages struct{ Waiting int }

	// Contact sets a lamp other than the line's own.
	Contact struct {
		Lamp   int
		Signal hal.Signal
	}

	// Enrolling says that new telephones may join with this pairing code;
	// an empty code that they no longer may.
	Enrolling struct{ Code string }

	// Unable says why what was dialled just now cannot be done.
	Unable struct{ Text string }

	// Past is a call of earlier days, for the menu; the oldest first.
	Past struct {
		Number, Name string
		Way          Way
	}

	// Heard says how the call that has just ended sounded.
	Heard struct {
		Peer, Codec   string
		MOS           int // times 100
		Loss          int // in thousandths
		Delay, Jitter int // in ms
	}

	// HostKey is the fingerprint of the console's key, "SHA256:...".
	HostKey struct{ Fingerprint string }

	// Island says how many phones of the office cannot be reached: this one, perhaps
	// with others, is cut off. None: it is not.
	Island struct{ Missing int }

	// HotLine sets the number that lifting the handset calls, "" for dial tone.
	HotLine struct{ Number string }

	// Settings are what was Kept, at the start. Volumes that there are not mean nothing.
	Settings struct {
		Volume int  `json:"volume"` // of the earpiece
		Bell   int  `json:"bell"`   // its volume
		Locked bool `json:"locked"` // the keys
		Silent bool `json:"silent"` // the bell
	}

	// Trouble says in a few words what is wrong with this telephone's body, "" if
	// nothing is.
	Trouble struct{ Text string }

	// Part is something that a self-test is to look at: see selftest.Part.
	Part struct{ Kind, Name, Word, Problem string }

	// Begin begins the self-test that SelfTest asked for.
	Begin struct{}

	// Tick says only that time has passed.
	Tick struct{}
)

func (Input) event()       {}
func (Online) event()      {}
func (Offline) event()     {}
func (Offered) event()     {}
func (Progress) event()    {}
func (Answered) event()    {}
func (Ended) event()       {}
func (Held) event()        {}
func (Transferred) event() {}
func (Referred) event()    {}
func (Directory) event()   {}
func (Messages) event()    {}
func (Contact) event()     {}
func (Enrolling) event()   {}
func (Unable) event()      {}
func (Past) event()        {}
func (Heard) event()       {}
func (HostKey) event()     {}
func (Island) event()      {}
func (HotLine) event()     {}
func (Settings) event()    {}
func (Trouble) event()     {}
func (Part) event()        {}
func (Begin) event()       {}
func (Tick) event()        {}
