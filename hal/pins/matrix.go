package pins

import (
	"math/bits"
	"time"
)

const (
	// keySteady is how long a key must stay where it is; keys bounce for 5 ms.
	keySteady = 10 * time.Millisecond
	// walkEvery is the time between two walks while something moves.
	walkEvery = 5 * time.Millisecond
	// idleAfter is how long a key that is held down is watched that closely.
	idleAfter = 2 * time.Second
	// idleEvery is the time between two walks after that: a second key in the row
	// of the one that is held makes no edge.
	idleEvery = 100 * time.Millisecond
	// maxVain bounds how often walkEvery is doubled while walks find nothing
	// although a row is down.
	maxVain = 4
)

// rest is the column of a probe that drives all columns.
const rest = -1

// matrix finds out which keys of a matrix are down. At rest all columns are low: a
// key that closes pulls its row down, and that edge is the only thing waited for.
// Then the columns are driven one by one, and the rows read at each:
//
//	      a row moved        last column read
//	rest -------------> walk ---------------> pause   something moves or was
//	  ^                  ^                    |   |   moved lately
//	  |                  +--------------------+   |
//	  |                     walkEvery passes      |
//	  +-------------------------------------------+
//	       nothing moves: all columns low again
//
// At rest with a key held down the walk is repeated every idleEvery.
type matrix struct {
	grid   [][]contact // [column][row]
	walk   []uint64    // rows that are down, of each column of the walk under way
	pause  bool        // between two walks
	due    time.Time   // of the next walk, zero if only a row's edge starts it
	walked time.Time   // end of the last walk
	active time.Time   // when a key moved last
	seen   uint64      // rows that are down at rest, as the last walk explains
	back   bool        // the next look at rest is the first after a walk
	vain   int         // walks in succession that did not explain the rows
}

func newMatrix(rows, columns int) matrix {
	m := matrix{walk: make([]uint64, columns), grid: make([][]contact, columns)}
	for c := range m.grid {
		m.grid[c] = make([]contact, rows)
		for r := range m.grid[c] {
			m.grid[c][r].steady = keySteady
		}
	}
	return m
}

// place is a key's.
type place struct{ row, column int }

// woken returns the column to probe now, ok if there is one.
func (m *matrix) woken(now time.Time) (column int, ok bool) {
	if !m.due.IsZero() && !now.Before(m.due) {
		return m.begin(), true
	}
	return rest, !m.pause
}

// begin starts a walk.
func (m *matrix) begin() int {
	m.pause, m.due = false, time.Time{}
	return 0
}

// read takes the rows that were down while a column was driven. It returns the keys
// that came up and went down, and the column to probe next, ok if there is one.
func (m *matrix) read(now time.Time, column int, rows uint64) (up, down []place, next int, ok bool) {
	if column == rest {
		next, ok = m.rested(now, rows)
		return nil, nil, next, ok
	}
	m.walk[column] = rows
	if column+1 < len(m.walk) {
		return nil, nil, column + 1, true
	}
	m.walked = now
	up, down, held := m.judge(now)
	if len(up)+len(down) > 0 || m.unsettled() {
		m.active = now
	}
	if m.unsettled() || held && now.Sub(m.active) < idleAfter {
		m.pause, m.due = true, now.Add(walkEvery)
		return up, down, 0, false
	}
	m.seen, m.back = 0, true
	for _, rows := range m.walk {
		m.seen |= rows
	}
	if held || m.seen != 0 {
		m.due = now.Add(idleEvery)
	}
	return up, down, rest, true
}

// rested looks at the rows with all columns low: a row that moved since the last
// walk begins another.
func (m *matrix) rested(now time.Time, rows uint64) (next int, ok bool) {
	first := m.back
	m.back = false
	if rows == m.seen {
		if first {
			m.vain = 0
		}
		return 0, false
	}
	if first {
		m.vain = min(m.vain+1, maxVain)
	}
	if start := m.walked.Add(walkEvery << m.vain); now.Before(start) {
		m.pause, m.due = true, start
		return 0, false
	}
	return m.begin(), true
}

// judge debounces what the walk has read.
func (m *matrix) judge(now time.Time) (up, down []place, held bool) {
	doubtful := ghosts(m.walk)
	for c := range m.grid {
		for r := range m.grid[c] {
			k := &m.grid[c][r]
			closed := m.walk[c]>>r&1 == 1
			if doubtful[c]>>r&1 == 1 {
				closed = k.closed
			}
			if k.sample(now, closed) {
				if closed {
					down = append(down, place{r, c})
				} else {
					up = append(up, place{r, c})
				}
			}
			held = held || k.closed
		}
	}
	return up, down, held
}

func (m *matrix) unsettled() bool {
	for _, column := range m.grid {
		for _, k := range column {
			if !k.moved.IsZero() {
				return true
			}
		}
	}
	return false
}

// ghosts returns the keys which the rows read at each column cannot tell. Three
// keys at the corners of a rectangle close a path through the fourth as well,
// unless each key has a diode: whoever sees all four down knows nothing of any one.
func ghosts(walk []uint64) []uint64 {
	doubtful := make([]uint64, len(walk))
	for a := range walk {
		for b := a + 1; b < len(walk); b++ {
			if both := walk[a] & walk[b]; bits.OnesCount64(both) > 1 {
				doubtful[a] |= both
				doubtful[b] |= both
			}
		}
	}
	return doubtful
}
