package clock

import (
	"errors"
	"testing"
	"time"

	"chordophone/firmware/appliance/clock/consensus"
)

// Too far is nowhere: the clock of the machine that tests this is not touched.
func TestShiftRefuses(t *testing.T) {
	for _, by := range []time.Duration{
		-consensus.Slowest - 1, -time.Hour, -1 << 63, consensus.Farthest + 1, 1<<63 - 1,
	} {
		before := time.Now()
		if err := Shift(by); !errors.Is(err, ErrShift) {
			t.Errorf("%v: %v", by, err)
		}
		if wall := time.Now().Round(0).Sub(before.Round(0)); wall > time.Hour || wall < -time.Minute {
			t.Errorf("%v: moved by %v", by, wall)
		}
	}
}
