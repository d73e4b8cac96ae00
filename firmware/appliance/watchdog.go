package appliance

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// watchdogSeconds is what the hardware of a Raspberry Pi can count to.
const watchdogSeconds = 15

// watchdog is the machine's hardware watchdog. It is never closed: a process 1 that
// ends is what it is for.
type watchdog struct{ f *os.File } // nil: none

// openWatchdog starts it.
func openWatchdog() (watchdog, error) {
	f, err := os.OpenFile("/dev/watchdog", os.O_WRONLY, 0)
	if err != nil {
		return watchdog{}, fmt.Errorf("hardware watchdog: %w", err)
	}
	// A clock that counts to something else is better than none.
	unix.IoctlSetPointerInt(int(f.Fd()), unix.WDIOC_SETTIMEOUT, watchdogSeconds)
	return watchdog{f}, nil
}

// feed keeps it from starting the machine anew for the next seconds.
func (w watchdog) feed() {
	if w.f != nil {
		unix.IoctlWatchdogKeepalive(int(w.f.Fd())) // a failure shows in 15 s
	}
}

// feedUntil feeds it until done, but no longer than so long.
func (w watchdog) feedUntil(done <-chan struct{}, most time.Duration) {
	tick := time.NewTicker(watchdogSeconds / 3 * time.Second)
	defer tick.Stop()
	end := time.After(most)
	for {
		w.feed()
		select {
		case <-done:
			return
		case <-end:
			return
		case <-tick.C:
		}
	}
}
