package config

import "strings"

// Error is a command line or file that cannot be used, in one line and with what
// would be right.
type Error struct {
	Where   string // a flag, or a file with its line and key
	Problem string
	Hint    string
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Where != "" {
		b.WriteString(e.Where + ": ")
	}
	b.WriteString(e.Problem)
	if e.Hint != "" {
		if !strings.HasSuffix(e.Problem, "?") {
			b.WriteByte(';')
		}
		b.WriteString(" " + e.Hint)
	}
	return b.String()
}

// Code is the exit status for it: bad usage.
func (e *Error) Code() int { return 2 }
