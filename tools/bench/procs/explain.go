package procs

import (
	"errors"
	"os"
	"strings"
)

// Explain adds the end of a log to an error, if there is one.
func Explain(err error, log string) error {
	text, rerr := os.ReadFile(log)
	if err == nil || rerr != nil {
		return err
	}
	return errors.Join(err, errors.New(strings.TrimSpace(string(text[max(0, len(text)-1000):]))))
}
