package clock

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"chordophone/firmware/appliance/clock/consensus"
)

// ErrShift says that the clock must not be moved so.
var ErrShift = errors.New("move the clock: too far")

// Set sets the machine's clock. The kernel takes it for nobody's from then on, see Trust.
func Set(t time.Time) error {
	tv := unix.NsecToTimeval(t.UnixNano())
	if err := unix.Settimeofday(&tv); err != nil {
		return fmt.Errorf("set the clock: %w", err)
	}
	return nil
}

// Shift moves the machine's clock: forward in one step, back by running slower, by
// 0.05 %, until so much is lost. A later Shift takes the place of what is not lost yet.
func Shift(by time.Duration) error {
	now := time.Now()
	switch {
	case by < -consensus.Slowest, by > consensus.Farthest, !Plausible(now.Add(by)):
		return fmt.Errorf("%w: %v", ErrShift, by)
	case by > 0:
		return Set(now.Add(by))
	}
	// adjtimex(2): the old adjtime(3), which leaves everything else as it is.
	tx := unix.Timex{Modes: unix.ADJ_OFFSET_SINGLESHOT}
	put(&tx.Offset, by)
	if _, err := unix.Adjtimex(&tx); err != nil {
		return fmt.Errorf("slow the clock: %w", err)
	}
	return nil
}

// Trust tells the kernel that the clock is a time server's, within an error. The kernel
// lets that grow by 0.05 %, and trusts the clock no more when it is 16 s: after nine
// hours, if nobody says so again.
func Trust(within time.Duration) error {
	tx := unix.Timex{Modes: unix.ADJ_STATUS | unix.ADJ_MAXERROR | unix.ADJ_ESTERROR}
	put(&tx.Maxerror, within)
	put(&tx.Esterror, within)
	if _, err := unix.Adjtimex(&tx); err != nil {
		return fmt.Errorf("trust the clock: %w", err)
	}
	return nil
}

// Synced reports whether the kernel takes the clock for that of a time server. On a
// machine with other programs one of those may have said so.
func Synced() bool {
	var tx unix.Timex
	state, err := unix.Adjtimex(&tx)
	return err == nil && state != unix.TIME_ERROR && tx.Status&unix.STA_UNSYNC == 0
}

// put sets a number of microseconds, which is as long as a machine word.
func put[word int32 | int64](p *word, d time.Duration) { *p = word(d.Microseconds()) }
