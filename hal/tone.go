package hal

// Tone is a sound the telephone makes in the earpiece.
type Tone uint8

const (
	Silence    Tone = iota
	DialTone        // ready for digits
	Stutter         // dial tone when messages wait
	Ringback        // the far end rings
	Busy            // the far end is in a call
	Congestion      // the call cannot be completed
	Waiting         // a second call knocks
	Confirm         // a service code was accepted
)

func (t Tone) String() string {
	return [...]string{"none", "dial", "stutter", "ringback", "busy", "congestion", "waiting", "confirm"}[t]
}

// MarshalText writes the tone's name.
func (t Tone) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
