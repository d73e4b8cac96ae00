package identity

// Errors for people. Each has a method Hint() string that says what to do.
var (
	ErrNone            error = &fault{"no identity", "found an office with --found NAME, or join one with --join CODE"}
	ErrExists          error = &fault{"there is an identity already", "this phone belongs to an office; use another data directory"}
	ErrDamaged         error = &fault{"identity file is damaged or not one of ours", "put a good copy back, or move it away and enrol this phone again; nothing was changed"}
	ErrOfficeName      error = &fault{"not an office name", "use 1 to 63 of a-z, 0-9, - and ., like a host name: acme or paris.acme"}
	ErrCode            error = &fault{"not a pairing code", "a code has 6 to 32 digits; read it from a phone with enrolment open"}
	ErrExtension       error = &fault{"not an extension", "an extension is a number from 1 to 999999"}
	ErrWrongCode       error = &fault{"wrong pairing code", "read the code again; enrolment closes after three wrong tries"}
	ErrEnrolmentClosed error = &fault{"enrolment is closed", "open enrolment on a phone of the office and use the code it shows"}
	ErrBusy            error = &fault{"the other phone is busy enrolling", "try again in a few seconds"}
	ErrTaken           error = &fault{"the wished extension is taken", "ask for another extension, or for none; if its telephone is dead, dial *73*EXTENSION# at a living one, or enrol replace EXTENSION on its console"}
	ErrAlive           error = &fault{"the telephone to be replaced is alive", "switch it off; if it was stolen, revoke it, and try again with the same code"}
	ErrReserved        error = &fault{"the code is for another extension", "ask for no extension: the code says which it is"}
	ErrRefused         error = &fault{"the other phone could not enrol this one", "look into the log of the other phone, or try a different one"}
	ErrUnreachable     error = &fault{"no phone answers there", "check the address and that the other phone is on and in the same network"}
	ErrForeign         error = &fault{"the answer is not what a phone would send", "check the address; update both phones to the same release"}
	ErrTooDeep         error = &fault{"this phone's certificate chain is too long to enrol others", "enrol through a phone that was enrolled earlier"}
)

// Errors of verification.
var (
	ErrUntrusted error = &fault{"not a certificate of this office", "enrol that phone into this office"}
	ErrRevoked   error = &fault{"certificate was revoked", "enrol that phone again if it is still yours"}
	ErrSignature error = &fault{"wrong signature", "the data was damaged or forged; it was not used"}
	ErrPolicy    error = &fault{"signer may not store this", "the data was not used"}
)

// fault is an error with a hint for the person who reads it.
type fault struct{ msg, hint string }

func (f *fault) Error() string { return f.msg }
func (f *fault) Hint() string  { return f.hint }
