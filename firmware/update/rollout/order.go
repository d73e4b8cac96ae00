package rollout

import (
	"slices"
	"time"

	"chordophone/firmware/update/release"
	"chordophone/overlay"
)

// sortByTurn puts phones in the order in which a release goes round: by the exclusive or
// of both names. It is the same on all phones, and another for each release, so that it
// is not always the same phone that goes first.
func sortByTurn(r release.ID, nodes []overlay.ID) {
	rank := func(x overlay.ID) overlay.ID {
		for i := range x {
			x[i] ^= r[i]
		}
		return x
	}
	slices.SortFunc(nodes, func(a, b overlay.ID) int { return rank(a).Compare(rank(b)) })
}

// width is how many phones may be away at a time, of so many, when so many of them run
// the release.
func width(most, phones, updated int) int {
	return max(1, min(updated/4, most, phones/8))
}

// away is who said that he leaves, in order. Who left for something else and is lost
// with it holds nobody up.
func (m *Machine) away(now time.Time) (nodes []overlay.ID) {
	for _, p := range m.phones {
		if d, ok := m.left[p.Node]; ok && (d.subject == m.want.id || now.Sub(d.since) < m.cfg.Lost) {
			nodes = append(nodes, p.Node)
		}
	}
	if m.notice().State == Leaving {
		nodes = append(nodes, m.self)
	}
	sortByTurn(m.want.id, nodes)
	return nodes
}

func (m *Machine) width() int {
	updated := 0
	for _, p := range m.phones {
		if p.Notice.Running == m.want.id {
			updated++
		}
	}
	return width(m.cfg.Most, len(m.phones)+1, updated)
}

// mayLeave reports whether this phone is among those that may be away together.
func (m *Machine) mayLeave(now time.Time) bool {
	i := slices.Index(m.away(now), m.self)
	return i >= 0 && i < m.width()
}

// myTurn reports whether it is this phone's turn. Those whose turn it was for too long
// are passed over, this one, too; but whoever is passed over may leave when there is room.
func (m *Machine) myTurn(now time.Time) bool {
	room := m.width() - len(m.away(now))
	if room <= 0 {
		return false
	}
	var rest []overlay.ID
	for _, p := range m.phones {
		n := p.Notice
		if n.Version.Compare(m.want.version) < 0 && n.State != Leaving {
			rest = append(rest, p.Node)
		}
	}
	rest = append(rest, m.self)
	sortByTurn(m.want.id, rest)
	mine := false
	for _, node := range rest {
		if room == 0 {
			break
		}
		since, ok := m.turned[node]
		if !ok {
			since = now
			m.turned[node] = now
		}
		mine = mine || node == m.self
		if now.Sub(since) < m.cfg.Turn {
			room--
		}
	}
	return mine
}
