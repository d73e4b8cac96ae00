package pipe

import (
	"strings"
	"testing"
	"time"

	"chordophone/hal"
)

// The lamps of a script have one colour: who is free has a dark lamp, as ever.
func TestFreeIsOff(t *testing.T) {
	line := string(encode(time.Now(), picture{hal.LampContact: hal.Free, hal.LampLine: hal.Island}))
	if !strings.Contains(line, `"contact1":"off"`) || !strings.Contains(line, `"line":"island"`) {
		t.Error(line)
	}
}
