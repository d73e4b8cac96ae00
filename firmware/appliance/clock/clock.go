// Package clock is the time of a machine that has no clock of its own: it never begins
// before what was last kept, or before the program was made, and is set by time servers
// when there are any, forward only but for a mistake of its own. Without them the
// telephones of an office agree on the time, and a person may set it (package consensus).
//
//	Floor, Keep         what was kept
//	Poll, Judge         which time server is asked when, and what its answer is worth
//	Set, Shift          the machine's clock
//	Synced, Trust       whether it is a time server's: the kernel knows for how long
//
// Certificates and records do not depend on it: time is for people, in call lists and
// messages.
package clock

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"
)

// File is where the time is kept, in the data folder.
const File = "clock"

// kept is a file of eight octets: seconds since 1970.
const keptSize = 8

// earliest is when it was later than, whatever a machine says.
var earliest = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// Floor is the earliest that it can be by what was kept in dir and by when the program
// was made.
func Floor(dir string) time.Time {
	floor := earliest
	if b, err := os.ReadFile(filepath.Join(dir, File)); err == nil && len(b) == keptSize {
		if t := time.Unix(int64(binary.BigEndian.Uint64(b)), 0); Plausible(t) {
			floor = t
		}
	}
	if made := made(); made.After(floor) {
		floor = made
	}
	return floor
}

// made is when the program's sources were committed, if the build says so.
func made() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			if t, err := time.Parse(time.RFC3339, s.Value); err == nil && Plausible(t) {
				return t
			}
		}
	}
	return time.Time{}
}

// Plausible says whether a time can be now at all.
func Plausible(t time.Time) bool {
	return !t.Before(earliest) && t.Year() < 2100
}

// Keep writes the time down, durably. It is written over in place: eight octets of one
// sector, which a power cut leaves old or new.
func Keep(dir string, now time.Time) error {
	if !Plausible(now) {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(dir, File), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keep the time: %w", err)
	}
	defer f.Close()
	if _, err := f.WriteAt(binary.BigEndian.AppendUint64(nil, uint64(now.Unix())), 0); err != nil {
		return fmt.Errorf("keep the time: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("keep the time: %w", err)
	}
	return nil
}
