package hal

// Lamps is how many lamps a Picture has: one for the line, one for waiting
// messages and the contacts' lamps.
const Lamps = 12

// The first lamps have fixed meanings; from LampContact on each stands for one
// contact.
const (
	LampLine = iota
	LampMessage
	LampContact
)

// Signal is what one lamp shows.
type Signal uint8

const (
	Off    Signal = iota
	On            // steady: busy
	Wink          // mostly on, briefly off: held, message waiting
	Flash         // fast: ringing
	Blip          // mostly off, briefly on: unreachable
	Free          // idle and in sight: green on a lamp of two colours, dark on others
	Island        // two short lights: cut off from a part of the office
)

// LastSignal is the greatest Signal.
const LastSignal = Island

func (s Signal) String() string {
	return [...]string{"off", "on", "wink", "flash", "blip", "free", "island"}[s]
}

// MarshalText writes the signal's name.
func (s Signal) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Picture is what all lamps show at once.
type Picture [Lamps]Signal

// LampName is the name of lamp i in scripts and board files: line, message,
// contact1, contact2, ...
func LampName(i int) string {
	switch i {
	case LampLine:
		return "line"
	case LampMessage:
		return "message"
	}
	n := i - LampContact + 1
	if n < 10 {
		return "contact" + string(rune('0'+n))
	}
	return "contact1" + string(rune('0'+n-10))
}
