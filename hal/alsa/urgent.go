package alsa

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// urgency is above all ordinary threads and below those of the kernel's interrupts,
// which have 50.
const urgency = 10

// Hurry has the kernel prefer the calling goroutine's thread to all ordinary ones, so
// that a busy machine does not delay sound. The goroutine keeps its thread until it
// calls calm. Without the right to it (root, or RLIMIT_RTPRIO) nothing changes but the
// error says so.
func Hurry() (calm func(), err error) { return hurry(unix.SchedSetAttr) }

func hurry(set func(pid int, attr *unix.SchedAttr, flags uint) error) (calm func(), err error) {
	runtime.LockOSThread()
	err = set(0, &unix.SchedAttr{
		Size:     unix.SizeofSchedAttr,
		Policy:   unix.SCHED_RR,
		Flags:    unix.SCHED_FLAG_RESET_ON_FORK,
		Priority: urgency,
	}, 0)
	if err != nil {
		runtime.UnlockOSThread()
		return func() {}, fmt.Errorf("sound gets no priority over other programs: %w", err)
	}
	return func() {
		// A thread that stays urgent must not go back to those that anybody uses: then
		// it keeps its goroutine, with which it ends.
		if set(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}, 0) == nil {
			runtime.UnlockOSThread()
		}
	}, nil
}
