package phone

import "chordophone/hal"

// Action is something to be done: one of the types below.
type Action interface {
	action()
	String() string
}

// Commands, given once.
type (
	// Dial starts a call. Progress, Answered and Ended answer it under the
	// same Call, which begins with OutgoingPrefix.
	Dial struct{ Call, Number string }

	// Answer accepts an incoming call.
	Answer struct{ Call string }

	// Reject refuses an incoming call with a SIP status code.
	Reject struct {
		Call   string
		Status int
	}

	// Hangup ends a call in any state: CANCEL before the answer, BYE after it.
	// An Ended that crosses it is ignored.
	Hangup struct{ Call string }

	// Hold holds a call that was answered or retrieves it. That is in force for
	// the microphone at once; Held says when the far side has agreed.
	Hold struct {
		Call string
		On   bool
	}

	// Transfer has the far end of a call call a number instead. Referred
	// answers it.
	Transfer struct{ Call, Number string }

	// TransferTo joins the far ends of two calls. Referred answers it, under
	// the first.
	TransferTo struct{ Call, Other string }

	// Digit sends a key as DTMF to the far end of a call.
	Digit struct {
		Call string
		Key  hal.Key
	}

	// OpenEnrolment lets new telephones join the office; Enrolling answers it. With
	// For it lets one, which gets that extension, in the place of a dead one if
	// somebody had it; Unable answers if that cannot be.
	OpenEnrolment struct{ For string }

	// CloseEnrolment ends that.
	CloseEnrolment struct{}

	// SelfTest asks for the parts to be tested; Part and Begin answer it.
	SelfTest struct{}

	// Tell hands a notice to the panel.
	Tell struct{ hal.Notice }
)

// Levels: the whole state of a device, given when it changes.
type (
	// Sound is the state of the earpiece and microphone. Closed, the device
	// may sleep. Open, the earpiece plays Tone and, if Call is not empty, that
	// call is heard and spoken to; if With is not empty either, so is that one,
	// and the two hear each other.
	Sound struct {
		Open bool
		Tone hal.Tone
		Call string
		With string
	}

	// Ring is the state of the bell.
	Ring struct {
		On         bool
		From, Name string
	}

	// Show is the state of the lamps.
	Show struct{ hal.Picture }

	// Volume is how loud the earpiece is, 0 to MaxVolume, 3 dB a step; 7, which is
	// where it begins, changes nothing.
	Volume struct{ Level int }

	// BellVolume is how loud the bell is, likewise.
	BellVolume struct{ Level int }

	// Keep is what somebody has set on this telephone, to be given back to it (Settings)
	// when it starts again.
	Keep struct{ Settings }
)

func (Dial) action()           {}
func (Answer) action()         {}
func (Reject) action()         {}
func (Hangup) action()         {}
func (Hold) action()           {}
func (Transfer) action()       {}
func (TransferTo) action()     {}
func (Digit) action()          {}
func (OpenEnrolment) action()  {}
func (CloseEnrolment) action() {}
func (Tell) action()           {}
func (Sound) action()          {}
func (Ring) action()           {}
func (Show) action()           {}
func (SelfTest) action()       {}
func (Volume) action()         {}
func (BellVolume) action()     {}
func (Keep) action()           {}
