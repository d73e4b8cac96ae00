package phone

import "time"

// Config is what may differ from one telephone to the next.
type Config struct {
	// Extension and Office are shown until Online says what they really are.
	Extension string
	Office    string

	FirstDigit time.Duration // dial tone without a digit lasts this long
	InterDigit time.Duration // a number is complete after this long without a digit
	NoAnswer   time.Duration // an incoming call rings this long
	Confirm    time.Duration // the confirm tone after a service code
	Refused    time.Duration // busy and congestion tone; then the earpiece is switched off
	MaxDigits  int           // more are ignored
}

// Default is the telephone people are used to.
func Default() Config {
	return Config{
		FirstDigit: 15 * time.Second,
		InterDigit: 4 * time.Second,
		NoAnswer:   60 * time.Second,
		Confirm:    time.Second,
		Refused:    60 * time.Second,
		MaxDigits:  32,
	}
}
