package sip

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"chordophone/tools/bench/procs"
)

// cpu is the processor time that a target has used so far.
func (t *target) cpu() (sum time.Duration, err error) {
	for _, pid := range t.pids() {
		u, err := procs.UsageOf(pid)
		if err != nil {
			return 0, err
		}
		sum += u.CPU
	}
	return sum, nil
}

// memory is what a target holds, octets.
type memory struct {
	RSS uint64 `json:"rss"` // of the process that holds most
	PSS uint64 `json:"pss"` // of all together; shared pages are counted once
}

func (t *target) memory() (m memory, err error) {
	for _, pid := range t.pids() {
		u, err := procs.UsageOf(pid)
		if err != nil {
			return m, err
		}
		m.RSS = max(m.RSS, u.RSS)
		pss, err := proportional(pid)
		if err != nil {
			return m, err
		}
		m.PSS += pss
	}
	return m, nil
}

// proportional is a process's share of the memory that it holds. // proc(5), smaps_rollup
func proportional(pid int) (uint64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0, err
	}
	return parseRollup(text)
}

func parseRollup(text []byte) (uint64, error) {
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), "Pss:"); ok {
			kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no Pss in %.100q", text)
}

// peak watches a target's memory until its function is called, which returns the
// most that was seen.
func (t *target) peak() func() memory {
	stop := make(chan struct{})
	var (
		most memory
		done sync.WaitGroup
	)
	done.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			if m, err := t.memory(); err == nil {
				most = memory{max(most.RSS, m.RSS), max(most.PSS, m.PSS)}
			}
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	})
	return func() memory {
		close(stop)
		done.Wait()
		return most
	}
}

// megabytes is a figure of the table.
func megabytes(octets uint64) float64 { return float64(octets) / 1e6 }
