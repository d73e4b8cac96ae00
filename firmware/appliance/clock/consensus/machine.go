package consensus

import (
	"fmt"
	"slices"
	"time"
)

const (
	// Farthest is how far all members together move a clock forward in one life of the
	// program.
	Farthest = 20 * 365 * 24 * time.Hour

	// Slowest is how far ahead a clock may be that is made slower.
	Slowest = time.Minute

	nearEnough = 100 * time.Millisecond
	settle     = 10 * time.Second // until all members are in sight
	often      = time.Minute
	seldom     = 5 * time.Minute // when there was nothing to do
	longest    = time.Hour       // while the clock runs slower
	slowness   = 2000            // seconds, for one to be lost
)

// Machine is the state machine of the package comment.
type Machine struct {
	source Source    // Kept or Agreed
	next   time.Time // of the next question; zero: nobody is in sight
	moved  time.Duration
	denied bool // somebody was not believed, which was said
}

// Source is where the time is from, unless a time server's.
func (m *Machine) Source() Source { return m.source }

// Next is when a Tick is due; zero: not now.
func (m *Machine) Next() time.Time { return m.next }

// Step takes one event in. now is compared with other times by the monotonic clock, if it
// has one.
func (m *Machine) Step(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Sight:
		switch {
		case !ev.Members:
			m.next = time.Time{}
		case m.next.IsZero():
			m.next = now.Add(settle)
		}
	case Tick:
		if m.next.IsZero() || now.Before(m.next) {
			return nil
		}
		m.next = now.Add(often)
		if ev.Synced {
			m.source = Agreed // if the server should fail
			return nil
		}
		return []Action{Ask{}}
	case Round:
		return m.count(now, ev)
	}
	return nil
}

// count takes the answers to an Ask.
func (m *Machine) count(now time.Time, r Round) []Action {
	if r.Synced || len(r.Ballots) == 0 {
		return nil
	}
	off := r.verdict(m.source)
	m.source = Agreed
	if off > -nearEnough && off < nearEnough {
		m.denied = false
		if !m.next.IsZero() {
			m.next = now.Add(seldom)
		}
		return nil
	}
	if off < -Slowest || off > Farthest-m.moved {
		return m.deny(off)
	}
	m.denied = false
	m.moved += max(off, 0)
	if !m.next.IsZero() && off < 0 {
		m.next = now.Add(max(often, min(-off*slowness, longest)))
	}
	return []Action{Shift{off}}
}

// deny says once that the others are not believed.
func (m *Machine) deny(off time.Duration) []Action {
	if m.denied {
		return nil
	}
	m.denied = true
	return []Action{Note{fmt.Sprintf("the other telephones' time is not believed: theirs is %v from the one here", off.Round(time.Second))}}
}

// verdict is by how much the clock is wrong.
func (r Round) verdict(own Source) time.Duration {
	liars := r.liars()
	for s := Server; s > own; s-- {
		if v := r.offsets(s); len(v) > liars {
			return middle(v, liars)
		}
	}
	return middle(append(r.offsets(own), 0), liars)
}

// liars is how many members may be.
func (r Round) liars() int {
	seen := r.Asked + 1
	return min(max(r.Office, seen)/4, seen/2)
}

// offsets are those of members with a source as good as this.
func (r Round) offsets(least Source) (v []time.Duration) {
	for _, b := range r.Ballots {
		if b.Source >= least {
			v = append(v, b.Offset)
		}
	}
	return v
}

// middle is the median, of two the greater, or what is nearest to it of what so many
// liars cannot have made up; 0 if they can have made up everything.
func middle(v []time.Duration, liars int) time.Duration {
	if len(v) <= liars {
		return 0
	}
	slices.Sort(v)
	m := v[len(v)/2]
	if m > 0 {
		return max(0, min(m, v[len(v)-1-liars]))
	}
	return min(0, max(m, v[liars]))
}

// Offset is the least by which the clock here is wrong if it showed sent when a member
// was asked and got when the answer came, which took trip, and the member's showed said in
// between. It fails if the clock here was set meanwhile.
func Offset(sent, got time.Time, trip time.Duration, said time.Time) (off time.Duration, ok bool) {
	if wrong := got.Sub(sent) - trip; wrong < -nearEnough || wrong > nearEnough {
		return 0, false
	}
	if ahead := said.Sub(got); ahead > 0 {
		return ahead, true
	}
	return min(0, said.Sub(sent)), true
}
