package selftest

import (
	"testing"

	"chordophone/hal"
)

// What goes in comes out half a second later, sample by sample, and nothing before.
func TestLoop(t *testing.T) {
	l := NewLoop()
	const late = hal.Rate/2 - hal.FrameSamples // the frame that was spoken last is the newest in the line
	spoken, heard := int16(0), 0
	var in, out [hal.FrameSamples]int16
	for range 3 * hal.Rate / hal.FrameSamples {
		for i := range in {
			spoken = spoken%30000 + 1
			in[i] = spoken
		}
		l.Capture(in[:])
		l.Playout(out[:])
		for _, got := range out {
			want := int16(0)
			if heard >= late {
				want = int16((heard-late)%30000) + 1
			}
			if got != want {
				t.Fatalf("sample %d is %d, want %d", heard, got, want)
			}
			heard++
		}
	}
}
