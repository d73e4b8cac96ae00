package firmware

import (
	"testing"
	"time"

	"chordophone/firmware/appliance/clock/consensus"
	"chordophone/firmware/config"
	"chordophone/hal"
)

// The hours of updates are by the clock where the phone is, as soon as somebody has told the
// time: a time server, or a person, at another phone perhaps.
func TestWallClock(t *testing.T) {
	synced := false
	a := &appliance{cfg: config.Run{TimeZone: "Asia/Kolkata"}, times: &timekeeping{synced: func() bool { return synced }}}
	clock := a.wallClock()
	if now, right := clock(); right || now.Format("-07:00") != "+05:30" || time.Since(now).Abs() > time.Hour {
		t.Error(now, right)
	}
	for _, tc := range []struct {
		standing consensus.Standing
		want     bool
	}{
		{consensus.Standing{Source: consensus.Agreed, With: 5, Heard: 5}, false},
		{consensus.Standing{Source: consensus.Agreed, Told: consensus.Set}, true},
		{consensus.Standing{Source: consensus.Agreed, Told: consensus.Server}, true},
		{consensus.Standing{Source: consensus.Set}, true},
	} {
		a.times.last.Store(&tc.standing)
		if _, right := clock(); right != tc.want {
			t.Errorf("%+v: %v", tc.standing, right)
		}
	}
	a.times.last.Store(new(consensus.Standing))
	synced = true
	if _, right := clock(); !right {
		t.Error("a time server is not believed")
	}
}

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
