package network

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/beevik/ntp"

	"chordophone/firmware/appliance/clock"
)

const (
	clockLook   = 5 * time.Second // whether there are other time servers
	clockAnswer = 2 * time.Second
)

// timekeeper sets the machine's clock by time servers.
type timekeeper struct {
	now   func() time.Time
	set   func(time.Time) error
	trust func(within time.Duration) error
	query ntp.QueryOptions

	judge clock.Judge
	poll  clock.Poll
}

// newTimekeeper is that of the machine.
func newTimekeeper() *timekeeper {
	return &timekeeper{now: time.Now, set: clock.Set, trust: clock.Trust, query: ntp.QueryOptions{Timeout: clockAnswer}}
}

// run asks servers until ctx is done, of which there are none without a network. What
// they have said is remembered for then.
func (k *timekeeper) run(ctx context.Context, servers func() []string) error {
	tick := time.NewTicker(clockLook)
	defer tick.Stop()
	for {
		names := servers()
		if len(names) > 0 {
			k.poll.Use(names)
		}
		for len(names) > 0 && ctx.Err() == nil {
			// Not of k.now: when to ask next depends on no clock that is set.
			s, due := k.poll.Due(time.Now())
			if !due {
				break
			}
			o := k.ask(s)
			k.poll.Answered(time.Now(), s, o)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// servers are the configured time servers, then those that DHCP names; none without an
// address.
func (m *manager) servers(configured []string) []string {
	all := m.states()
	if !best(all).IsValid() {
		return nil
	}
	return slices.Concat(configured, named(all))
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

// ask asks one time server, and sets the clock if its answer is a reason to.
func (k *timekeeper) ask(server string) clock.Outcome {
	r, err := ntp.QueryWithOptions(server, k.query)
	if err == nil {
		err = r.Validate()
	}
	if err != nil {
		o := clock.Failed
		if r != nil && r.IsKissOfDeath() { // what is forged has not our question in it, and is no answer
			err = fmt.Errorf("%w %s", err, r.KissCode)
			switch r.KissCode {
			case "DENY", "RSTR":
				o = clock.Never
			case "RATE":
				o = clock.Slower
			}
		}
		note("time from %s: %v", server, err)
		return o
	}
	now := k.now()
	at := now.Add(r.ClockOffset)
	if !clock.Plausible(at) {
		note("time from %s: it cannot be %v", server, at)
		return clock.Failed
	}
	if k.judge.Sets(now, at) {
		if err := k.set(at); err != nil {
			note("%v", err)
			return clock.Good // asking again does not help
		}
		note("time from %s: set by %v", server, r.ClockOffset)
	} else if !clock.Near(r.ClockOffset) {
		note("time from %s: not set by %v", server, r.ClockOffset)
		return clock.Doubted
	}
	if err := k.trust(r.RootDistance); err != nil {
		note("%v", err)
	}
	return clock.Good
}
