// Package phone is the telephone as a person knows it: a handset to lift, keys
// to press, tones to hear, a bell, lamps and a few lines of text. It is a state
// machine without I/O: the program hands it what happened (Event) and carries
// out, in order, what it answers (Action). It knows nothing of SIP but status
// codes.
//
//	keys, hook ──▶ ┌───────┐ ──▶ Dial Answer Reject Hangup Digit   (the user agent)
//	calls      ──▶ │ Phone │ ──▶ Sound Ring Show Tell              (the hardware)
//	lamps, time──▶ └───────┘ ──▶ OpenEnrolment CloseEnrolment      (the office)
//
// Sound, Ring, Show and the notices that mirror them are levels: each says the
// whole state of its device and is given only when that state changes. The rest
// are commands, given once. Commands stand before levels.
//
// Events and actions print as one line of text, and ParseEvent reads an event
// back: a recording of a live telephone is a test (see testdata).
package phone
