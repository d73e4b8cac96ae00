package firmware

import (
	"testing"

	"chordophone/hal"
)

// What is missing counts wherever it stands among the findings: a telephone that never
// had sound must not hide that a release has lost its keys.
func TestUsable(t *testing.T) {
	for _, c := range []struct {
		words        []string
		audio, panel bool
	}{
		{nil, true, true},
		{[]string{"key 1 line=GPIO5"}, true, true},
		{[]string{"audio capture= playback="}, false, true},
		{[]string{"chip"}, true, false},
		{[]string{"audio capture= playback=", "chip"}, false, false},
		{[]string{"display driver=x", "chip", "key 1 line=GPIO5", "audio capture="}, false, false},
	} {
		var findings []hal.Finding
		for _, w := range c.words {
			findings = append(findings, hal.Finding{Word: w})
		}
		if audio, panel := usable(findings); audio != c.audio || panel != c.panel {
			t.Errorf("%q: sound %t, keys %t; want %t, %t", c.words, audio, panel, c.audio, c.panel)
		}
	}
}
