package network

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/beevik/ntp"

	"chordophone/firmware/appliance/clock"
)

const (
	clockLook   = 5 * time.Second  // whether there are other time servers
	clockFirst  = 15 * time.Second // "a client MUST NOT use a poll interval less than 15 seconds": RFC 4330, section 10
	clockLast   = 30 * time.Minute
	clockAnswer = 2 * time.Second
)

// keepTime sets the clock by time servers: the configured ones, else those that DHCP
// names.
func (m *manager) keepTime(ctx context.Context, configured []string) error {
	var (
		judge clock.Judge
		known []string
		at    time.Time // of the next question; the clock may be set, so monotonic
		wait  = clockFirst
		tick  = time.NewTicker(clockLook)
	)
	defer tick.Stop()
	for {
		servers := slices.Concat(configured, named(m.states()))
		if !slices.Equal(servers, known) {
			known, at, wait = servers, time.Now(), clockFirst
		}
		if best(m.states()).IsValid() && len(known) > 0 && !time.Now().Before(at) {
			good := false
			for _, s := range known {
				if good = ask(s, &judge); good {
					break
				}
			}
			at = time.Now().Add(wait)
			wait = min(2*wait, clockLast)
			if good {
				at = time.Now().Add(clockLast)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// named are the time servers that DHCP named.
func named(all []portState) (servers []string) {
	var seen []netip.Addr
	for _, s := range all {
		for _, c := range s.Clocks {
			if !slices.Contains(seen, c) {
				seen = append(seen, c)
				servers = append(servers, c.String())
			}
		}
	}
	return servers
}

// ask asks one time server, and sets the clock if its answer is a reason to. It
// reports whether the server answered.
func ask(server string, judge *clock.Judge) bool {
	r, err := ntp.QueryWithOptions(server, ntp.QueryOptions{Timeout: clockAnswer})
	if err == nil {
		err = r.Validate()
	}
	if err != nil {
		note("time from %s: %v", server, err)
		return false
	}
	now := time.Now()
	if t := now.Add(r.ClockOffset); judge.Sets(now, t) {
		if err := clock.Set(t); err != nil {
			note("%v", err)
			return true
		}
		note("time from %s: set by %v", server, r.ClockOffset)
	}
	return true
}
