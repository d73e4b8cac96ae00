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
	Choose     time.Duration // after recall changed calls, 3 joins them for this long
	Note       time.Duration // the display says this long that a transfer succeeded
	MaxDigits  int           // more are ignored

	// CallWaiting lets one call knock while another is talked to; without it the
	// line is busy then.
	CallWaiting bool
}

// Default is the telephone people are used to.
func Default() Config {
	return Config{
		FirstDigit: 15 * time.Second,
		InterDigit: 4 * time.Second,
		NoAnswer:   60 * time.Second,
		Confirm:    time.Second,
		Refused:    60 * time.Second,
		Choose:     3 * time.Second,
		Note:       3 * time.Second,
		MaxDigits:  32,

		CallWaiting: true,
	}
}
