package audio

import (
	"errors"
	"os"
	"os/exec"
	"strconv"

	"golang.org/x/sys/unix"
)

// Priorities: what stands for the network and for the sound cards must be as punctual as they are.
const (
	programPriority = "40"
	benchPriority   = 50
)

// urgently is how to run a program with real-time priority; nil if there is no way.
func urgently() []string {
	if exec.Command("chrt", "-r", programPriority, "true").Run() != nil {
		return nil
	}
	return []string{"chrt", "-r", programPriority}
}

// hurry gives this program real-time priority, or takes it away. Threads that are made
// meanwhile have what their makers have, so it looks twice.
func hurry(on bool) error {
	attr := unix.SchedAttr{Policy: unix.SCHED_NORMAL}
	if on {
		attr = unix.SchedAttr{Policy: unix.SCHED_RR, Priority: benchPriority}
	}
	var errs []error
	for range 2 {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil {
				continue
			}
			if err := unix.SchedSetAttr(id, &attr, 0); err != nil && !errors.Is(err, unix.ESRCH) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}
