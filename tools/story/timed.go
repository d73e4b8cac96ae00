package story

import (
	"fmt"
	"strings"
	"time"
)

// Timed tells a story whose first line is a sentence, and whose other lines are a time
// since epoch and what happens then. What is due before that, by next (zero: nothing),
// is ticked first. What came of it the machine writes to out.
func Timed(out *strings.Builder, story string, epoch time.Time, next func() time.Time, tick func(at time.Time), happens func(at time.Time, words []string) error) error {
	for i, line := range strings.Split(strings.TrimSpace(story), "\n") {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		if i == 0 {
			fmt.Fprintln(out, line)
			continue
		}
		words := strings.Fields(line)
		d, err := time.ParseDuration(words[0])
		if err != nil || len(words) < 2 {
			return fmt.Errorf("line %q: %w", line, err)
		}
		now := epoch.Add(d)
		for at := next(); !at.IsZero() && at.Before(now); at = next() {
			tick(at)
		}
		fmt.Fprintln(out, line)
		if err := happens(now, words[1:]); err != nil {
			return fmt.Errorf("line %q: %w", line, err)
		}
	}
	return nil
}
