package rollout

import (
	"slices"
	"time"

	"chordophone/firmware/update/release"
	"chordophone/overlay"
)

// look asks for the manifest of the newest release that is not known yet. One phone
// is asked at a time.
func (m *Machine) look(now time.Time) []Action {
	if now.Before(m.until) || m.phase == Asking || m.phase == Gone {
		return nil
	}
	best := -1
	for i, p := range m.phones {
		n := p.Notice
		if n.Running.IsZero() || n.Version.Compare(m.own.Version) <= 0 || n.Version.Compare(m.want.version) <= 0 ||
			slices.Contains(m.unfit, n.Running) || m.isAbsent(now, n.Running) || now.Before(m.shun[p.Node]) {
			continue
		}
		if best < 0 || n.Version.Compare(m.phones[best].Notice.Version) > 0 {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	m.asked = Learn{m.phones[best].Notice.Running, m.phones[best].Node}
	m.until = now.Add(learnTO)
	return []Action{m.asked}
}

func (m *Machine) learned(now time.Time, ev Learned) {
	if ev.Release != m.asked.Release || ev.Source != m.asked.Source {
		return
	}
	m.asked, m.until = Learn{}, time.Time{}
	outcome := ev.Outcome
	if i := m.index(ev.Source); outcome == Fits && (i < 0 || m.phones[i].Notice.Version != ev.Version) {
		outcome = Garbage // it says of itself what the release is not
	}
	switch outcome {
	case Unreachable:
		m.shun[ev.Source] = now.Add(again)
	case Garbage:
		m.shun[ev.Source] = now.Add(shunned)
	case Unfit:
		if m.unfit = append(m.unfit, ev.Release); len(m.unfit) > maxUnfit {
			m.unfit = m.unfit[1:]
		}
	case Fits:
		if m.phase <= Waiting && ev.Version.Compare(m.want.version) > 0 {
			m.drop()
			m.want = candidate{ev.Release, ev.Version, now}
		}
	}
}

// candidate is a release whose manifest was seen.
type candidate struct {
	id      release.ID
	version release.Version
	seen    time.Time // first
}

// running is who runs the release.
func (m *Machine) running(now time.Time) (nodes []overlay.ID) {
	for _, p := range m.phones {
		if p.Notice.Running == m.want.id && !now.Before(m.shun[p.Node]) {
			nodes = append(nodes, p.Node)
		}
	}
	return nodes
}

func (m *Machine) fetched(now time.Time, ev Fetched) {
	if m.phase != Fetching || ev.Release != m.want.id {
		return
	}
	m.phase, m.since = Waiting, now
	if ev.Err != nil {
		m.miss(now, ev.Release)
		m.drop()
	}
}

// absence is a release that nobody could bring. While it is not asked for, an older one
// has its chance: else a phone that shows a manifest and nothing else could hold up all.
type absence struct {
	id    release.ID
	wait  time.Duration
	until time.Time
}

func (m *Machine) miss(now time.Time, id release.ID) {
	a := absence{id, refetch, now.Add(refetch)}
	if i := slices.IndexFunc(m.absent, func(a absence) bool { return a.id == id }); i >= 0 {
		a.wait = min(2*m.absent[i].wait, longest)
		a.until = now.Add(a.wait)
		m.absent = slices.Delete(m.absent, i, i+1)
	}
	if m.absent = append(m.absent, a); len(m.absent) > maxUnfit {
		m.absent = m.absent[1:]
	}
}

func (m *Machine) isAbsent(now time.Time, id release.ID) bool {
	return slices.ContainsFunc(m.absent, func(a absence) bool { return a.id == id && now.Before(a.until) })
}
