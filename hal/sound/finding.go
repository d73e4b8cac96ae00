package sound

import "chordophone/hal"

// Findings implements hal.Inspector: what keeps the sound cards silent.
func (a *Audio) Findings() []hal.Finding {
	trouble := a.trouble()
	if trouble == nil {
		return nil
	}
	return []hal.Finding{{Word: "audio capture= playback=", Problem: "no sound: " + trouble.Error(), Hint: remedy(trouble)}}
}
