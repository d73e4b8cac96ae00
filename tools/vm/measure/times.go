package measure

import (
	"fmt"
	"slices"
	"time"
)

// Rounds is how often each time is taken.
const Rounds = 10

// Times are how long it took From one thing To another.
type Times struct {
	From, To string
	all      []time.Duration
}

// Add adds one.
func (t *Times) Add(d time.Duration) { t.all = append(t.all, d) }

// String is a row of a table: the median and the longest.
func (t *Times) String() string {
	all := slices.Sorted(slices.Values(t.all))
	n := len(all)
	if n == 0 {
		return t.From + " to " + t.To + ": never"
	}
	return fmt.Sprintf("%-30s to %-27s median %7.1f ms, longest %7.1f ms of %d", t.From, t.To, ms((all[(n-1)/2]+all[n/2])/2), ms(all[n-1]), n)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
