package measure

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Effort is what a process has cost.
type Effort struct {
	Wakes int           // how often its threads waited, all together
	CPU   time.Duration // of user and kernel
}

// clockTicks is Linux's USER_HZ.
const clockTicks = 100

// Of is what a process has cost until now. // proc_pid_status(5), proc_pid_stat(5)
func Of(pid int) (e Effort, err error) {
	dir := fmt.Sprintf("/proc/%d", pid)
	statuses, err := filepath.Glob(dir + "/task/*/status")
	if err != nil {
		return e, err
	}
	for _, s := range statuses {
		b, err := os.ReadFile(s)
		if err != nil {
			continue // a thread that has ended
		}
		for line := range strings.Lines(string(b)) {
			var n int
			if _, err := fmt.Sscanf(line, "voluntary_ctxt_switches: %d", &n); err == nil {
				e.Wakes += n
			}
		}
	}
	b, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return e, err
	}
	_, rest, _ := strings.Cut(string(b), ") ") // behind the name
	var user, kernel int
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return e, fmt.Errorf("%s/stat is %q", dir, b)
	}
	if _, err := fmt.Sscan(strings.Join(fields[11:13], " "), &user, &kernel); err != nil {
		return e, fmt.Errorf("%s/stat: %w", dir, err)
	}
	e.CPU = time.Duration(user+kernel) * time.Second / clockTicks
	return e, nil
}

// Rate is what a process costs each second: how often it wakes, and its share of a
// processor in percent.
type Rate struct{ Wakes, Percent float64 }

// Since is the rate over a time that began with an earlier effort.
func (e Effort) Since(before Effort, long time.Duration) Rate {
	return Rate{float64(e.Wakes-before.Wakes) / long.Seconds(), 100 * (e.CPU - before.CPU).Seconds() / long.Seconds()}
}

func (r Rate) String() string {
	return fmt.Sprintf("%5.1f wake-ups/s of all threads, %4.2f %% of the emulated processor", r.Wakes, r.Percent)
}
