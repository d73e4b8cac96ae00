package demo

import (
	"fmt"
	"io"
	"time"
)

// timeline prints what happens, with the time since the beginning.
type timeline struct {
	w      io.Writer
	began  time.Time
	checks int
}

func (t *timeline) heading(text string) { fmt.Fprintf(t.w, "\n%s\n", text) }

func (t *timeline) say(at time.Time, who, format string, args ...any) {
	fmt.Fprintf(t.w, "%8.3f s  %-4s %s\n", at.Sub(t.began).Seconds(), who, fmt.Sprintf(format, args...))
}

// check verifies one thing: it prints it, or makes an error of it.
func (t *timeline) check(ok bool, format string, args ...any) error {
	if !ok {
		return fmt.Errorf("NOT TRUE: "+format, args...)
	}
	t.checks++
	fmt.Fprintf(t.w, "%12s  ok   %s\n", "", fmt.Sprintf(format, args...))
	return nil
}

// ms rounds a duration for people.
func ms(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
