package discover

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// linkID names one interface in one address family.
type linkID struct {
	Index int // of the interface
	V6    bool
}

// linkState is a link as the system has it.
type linkState struct {
	linkID
	Name  string         // of the interface
	Addrs []netip.Prefix // the interface's own addresses of both families, with their networks
}

// link is the state of one link. A zero time means: not at all.
type link struct {
	linkState
	own []netip.Addr // announced here

	queryAt   time.Time
	queryGap  time.Duration // after the last question
	queriedAt time.Time

	announceAt time.Time
	announced  int        // of announceTimes
	answerAt   time.Time  // when somebody has asked
	asker      netip.Addr // if only one has
	enumerate  bool       // the answer is also to enumerate the service
	lastSent   time.Time  // announcement or answer

	heard []heard // no two of one ID
}

type heard struct {
	sighting
	until time.Time
}

// setLinks takes over what has come, gone and changed.
func (m *machine) setLinks(now time.Time, states []linkState) {
	if !m.mute { // where our address is not, nobody can use what we say
		states = slices.DeleteFunc(slices.Clone(states), func(s linkState) bool { return len(m.ownAddrs(s)) == 0 })
	}
	states = states[:min(len(states), maxLinks)]
	m.links = slices.DeleteFunc(m.links, func(l *link) bool {
		gone := !slices.ContainsFunc(states, func(s linkState) bool { return s.linkID == l.linkID })
		if gone && len(l.heard) > 0 {
			m.reportBy(now, reportChange)
		}
		return gone
	})
	for _, s := range states {
		l := m.link(s.linkID)
		if l == nil {
			l = &link{}
			m.links = append(m.links, l)
		}
		if !slices.Equal(l.Addrs, s.Addrs) || l.queryAt.IsZero() {
			l.queryAt, l.queryGap = now.Add(m.within(20*ms, 120*ms)), 0 // RFC 6762, section 5.2
			l.announceAt, l.announced = now, 0
		}
		l.linkState, l.own = s, m.ownAddrs(s)
	}
}

func (m *machine) link(id linkID) *link {
	for _, l := range m.links {
		if l.linkID == id {
			return l
		}
	}
	return nil
}

// ownAddrs are the addresses to announce on a link: all of its interface, both
// families, whichever family carries the packet. // RFC 6762, section 6.2
func (m *machine) ownAddrs(s linkState) (out []netip.Addr) {
	if m.mute {
		return nil
	}
	for _, p := range s.Addrs {
		a := p.Addr().Unmap().WithZone("")
		if usable(a) && (!m.bound.IsValid() || a == m.bound.WithZone("")) {
			out = append(out, a)
		}
	}
	sortAddrs(out)
	return out[:min(len(out), maxAddrs)]
}

func usable(a netip.Addr) bool {
	return a.IsGlobalUnicast() || a.IsLinkLocalUnicast()
}

// sortAddrs puts first what is most likely to work and to last: IPv4 before IPv6,
// because its addresses mean the same to every phone; then the link-local ones of
// IPv6, that nobody has to assign.
func sortAddrs(list []netip.Addr) {
	rank := func(a netip.Addr) int {
		switch {
		case a.Is4() && !a.IsLinkLocalUnicast():
			return 0
		case a.Is4():
			return 1
		case a.IsLinkLocalUnicast():
			return 2
		}
		return 3
	}
	slices.SortFunc(list, func(a, b netip.Addr) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), a.Compare(b)) })
}

// mine reports whether one of addrs is announced by us, on whatever link: two of
// our interfaces may be on one switch.
func (m *machine) mine(addrs []netip.Addr) bool {
	for _, l := range m.links {
		for _, p := range l.Addrs {
			if slices.Contains(addrs, p.Addr().Unmap().WithZone("")) {
				return true
			}
		}
	}
	return false
}

// reachable are those of addrs that are on the link, or that the packet came from.
func (l *link) reachable(addrs []netip.Addr, from netip.Addr) (out []netip.Addr) {
	for _, a := range addrs {
		a = a.Unmap()
		onLink := a == from || slices.ContainsFunc(l.Addrs, func(p netip.Prefix) bool {
			return netip.PrefixFrom(p.Addr().Unmap().WithZone(""), p.Bits()).Contains(a)
		})
		if onLink && usable(a) && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	sortAddrs(out)
	out = out[:min(len(out), maxAddrs)]
	for i, a := range out {
		if a.Is6() && a.IsLinkLocalUnicast() {
			out[i] = a.WithZone(l.Name)
		}
	}
	return out
}
