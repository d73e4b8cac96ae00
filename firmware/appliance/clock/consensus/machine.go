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
	lying      = 4               // one of so many members may be
)

// Machine is the state machine of the package comment.
type Machine struct {
	standing Standing
	next     time.Time // of the next question; zero: nobody is in sight
	moved    time.Duration
	denied   bool // somebody was not believed, which was said
}

// Standing is what is known of the time, unless it is a time server's now.
func (m *Machine) Standing() Standing { return m.standing }

// Next is when a Tick is due; zero: not now.
func (m *Machine) Next() time.Time { return m.next }

// Step takes one event in. now is compared with other times by the monotonic clock, if it
// has one.
func (m *Machine) Step(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Sight:
		switch {
		case !ev.Members:
			m.next, m.standing.With, m.standing.Heard = time.Time{}, 0, 0
		case m.next.IsZero():
			m.next = now.Add(settle)
		}
	case Tick:
		if m.next.IsZero() || now.Before(m.next) {
			return nil
		}
		m.next = now.Add(often)
		if ev.Synced {
			m.standing.Source = max(m.standing.Source, Agreed) // if the server should fail
			m.standing.Told = Server
			return nil
		}
		return []Action{Ask{}}
	case Round:
		return m.count(now, ev)
	case Hand:
		m.standing = Standing{Source: Set}
		if !m.next.IsZero() {
			m.next = now.Add(settle)
		}
	}
	return nil
}

// count takes the answers to an Ask.
func (m *Machine) count(now time.Time, r Round) []Action {
	if r.Synced {
		return nil
	}
	m.standing.Heard, m.standing.With = len(r.Ballots), 0
	if len(r.Ballots) == 0 {
		return nil
	}
	off, from := r.verdict(m.standing.Source)
	var do []Action
	switch {
	case near(off, nearEnough):
		off, m.denied = 0, false
		if !m.next.IsZero() {
			m.next = now.Add(seldom)
		}
	case off < -Slowest || off > Farthest-m.moved:
		do, off = m.deny(off), 0
	default:
		m.denied = false
		m.moved += max(off, 0)
		if !m.next.IsZero() && off < 0 {
			m.next = now.Add(max(often, min(-off*slowness, longest)))
		}
		do = []Action{Shift{off}}
	}
	m.standing.With = alike(r.offsets(Kept), off)
	if from > max(m.standing.Source, Agreed) && alike(r.offsets(from), off) > r.liars() {
		m.standing.Told = from
	}
	m.standing.Source = max(m.standing.Source, Agreed)
	return do
}

// near reports whether an offset is less than another, either way.
func near(off, than time.Duration) bool { return off > -than && off < than }

// alike is how many offsets are the same as another, give or take a minute.
func alike(offsets []time.Duration, as time.Duration) (n int) {
	for _, o := range offsets {
		if near(o-as, Slowest) {
			n++
		}
	}
	return n
}

// deny says once that the others are not believed.
func (m *Machine) deny(off time.Duration) []Action {
	if m.denied {
		return nil
	}
	m.denied = true
	return []Action{Note{fmt.Sprintf("the other telephones' time is not believed: theirs is %v from the one here", off.Round(time.Second))}}
}

// verdict is by how much the clock is wrong, by what members of this source or a better
// one say: own, if there is no better one.
func (r Round) verdict(own Source) (off time.Duration, from Source) {
	liars := r.liars()
	for s := Server; s > own; s-- {
		if v := r.offsets(s); len(v) > liars {
			return middle(v, liars), s
		}
	}
	return middle(append(r.offsets(own), 0), liars), own
}

// liars is how many members may be.
func (r Round) liars() int {
	seen := r.Asked + 1
	return min(max(r.Office, seen)/lying, seen/2)
}

// Most is how many members are asked in a round, in a larger office others each time.
const Most = 64

// Voices is how many members of an office of so many must have their time from a person
// for the others to believe it.
func Voices(office int) int {
	office = max(office, 1)
	seen := min(office, Most+1)
	believed := min(office/lying, seen/2) + 1 // of those seen
	return (believed*office + seen - 1) / seen
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
