package digest

import (
	"net/netip"
	"time"
)

const (
	freeFailures  = 10          // wrong answers that cost nothing
	failureMemory = time.Minute // ... within
	sourceWait    = time.Second // between answers of a source beyond that
	userWait      = time.Second // ... of one user there at first, then twice that each time
	maxUserWait   = 32 * time.Second
	goodMemory    = time.Hour
	maxFailing    = 4096 // entries of each table, see recent
)

// guard slows down guessing.
type guard struct {
	failing recent[who, failures]
	good    recent[who, time.Time]
}

// who is a user at a source, or with no user the whole source.
type who struct {
	source netip.Addr
	user   string
}

type failures struct {
	count int
	since time.Time // of the first of the count, until count exceeds what is free; then of the last
	until time.Time // nothing is looked at before
}

func newGuard() guard {
	return guard{failing: newRecent[who, failures](maxFailing), good: newRecent[who, time.Time](maxFailing)}
}

// wait is how long this user at this source has to wait until an answer is looked
// at.
func (g *guard) wait(now time.Time, source netip.Addr, user string) time.Duration {
	pair, _ := g.failing.get(who{source, user})
	wait := pair.until.Sub(now)
	if t, ok := g.good.get(who{source, user}); !ok || now.Sub(t) > goodMemory {
		all, _ := g.failing.get(who{source, ""})
		wait = max(wait, all.until.Sub(now))
	}
	return max(wait, 0)
}

// wrong counts a wrong answer and returns how many there were of late from the
// source.
func (g *guard) wrong(now time.Time, source netip.Addr, user string) int {
	f, _ := g.failing.get(who{source, user})
	f.add(now)
	if over := f.count - freeFailures; over >= 0 {
		f.until = now.Add(min(userWait<<min(over, 10), maxUserWait))
	}
	g.failing.put(who{source, user}, f)
	all, _ := g.failing.get(who{source, ""})
	all.add(now)
	if all.count >= freeFailures {
		all.until = now.Add(sourceWait)
	}
	g.failing.put(who{source, ""}, all)
	return all.count
}

func (f *failures) add(now time.Time) {
	if now.Sub(f.since) > failureMemory {
		*f = failures{}
	}
	if f.count == 0 || f.count >= freeFailures {
		f.since = now
	}
	f.count++
}

// right forgets the wrong answers of this user at this source.
func (g *guard) right(now time.Time, source netip.Addr, user string) {
	g.failing.delete(who{source, user})
	g.good.put(who{source, user}, now)
}
