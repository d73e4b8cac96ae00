package discover

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"chordophone/overlay"
)

// receive takes one packet.
func (m *machine) receive(now time.Time, p packet) {
	l := m.link(p.Link)
	if l == nil {
		return
	}
	msg, err := parse(p.Data)
	if err != nil {
		m.dropped++
		return
	}
	from := p.From.Addr().Unmap().WithZone("")
	if !msg.Response {
		m.asked(now, l, from, msg)
		return
	}
	if p.From.Port() != mdnsPort { // RFC 6762, section 6
		m.dropped++
		return
	}
	for _, s := range msg.Phones {
		m.saw(now, l, from, s)
	}
}

// asked takes somebody's question: perhaps it is about us, perhaps it spares ours.
func (m *machine) asked(now time.Time, l *link, from netip.Addr, msg message) {
	knowsUs := slices.Contains(msg.Known, m.self.ID)
	strangers := slices.ContainsFunc(msg.Known, func(id overlay.ID) bool {
		return id != m.self.ID && !slices.ContainsFunc(l.heard, func(h heard) bool { return h.ID == id })
	})
	switch {
	case strangers && !l.queriedAt.IsZero():
		// The asker knows phones that we have not heard: two networks were
		// joined, or we have missed something.
		at := latest(now.Add(m.within(20*ms, 500*ms)), l.queriedAt.Add(strangerQuery))
		if at.Before(l.queryAt) {
			l.queryAt = at
		}
	case !strangers && msg.Browse && l.queryGap > 0:
		l.queryAt = latest(l.queryAt, m.unlessStale(l, now.Add(m.jitter(l.queryGap)))) // RFC 6762, section 7.3
	}

	if len(l.own) == 0 {
		return
	}
	if knowsUs && !l.answerAt.IsZero() && l.asker == from && !msg.Browse {
		l.answerAt = time.Time{} // the rest of a truncated list has us; RFC 6762, section 7.2
		return
	}
	if msg.Browse && !knowsUs || msg.Services || slices.Contains(msg.Names, m.self.ID) {
		delay := m.within(20*ms, 120*ms)
		if msg.Truncated {
			delay = m.within(400*ms, 500*ms)
		}
		l.enumerate = l.enumerate || msg.Services
		if l.answerAt.IsZero() {
			l.answerAt, l.asker = latest(now.Add(delay), l.lastSent.Add(sendGap)), from
		} else if l.asker != from {
			l.asker = netip.Addr{}
		}
	}
}

// unlessStale is at, or earlier so that we ask ourselves when a phone on l has not been
// heard for four fifths of its time: the questions of others do not always serve us.
func (m *machine) unlessStale(l *link, at time.Time) time.Time {
	for _, h := range l.heard {
		if t := h.until.Add(-h.TTL / 5); t.Before(at) {
			at = t.Add(-m.within(0, 10*time.Second)) // not all at once
		}
	}
	return at
}

// saw takes what a packet said of one phone.
func (m *machine) saw(now time.Time, l *link, from netip.Addr, s sighting) {
	if !m.mute && s.ID == m.self.ID {
		if !m.mine(s.Addrs) && s.TTL > 0 && (m.twinAt.IsZero() || now.Sub(m.twinAt) >= twinGap) {
			m.twinAt = now
			m.out = append(m.out, twin{from})
		}
		return
	}
	i := slices.IndexFunc(l.heard, func(h heard) bool { return h.ID == s.ID })
	if s.TTL == 0 {
		if i >= 0 {
			l.heard = slices.Delete(l.heard, i, i+1)
			m.reportBy(now, reportChange)
		}
		return
	}
	if s.Addrs = l.reachable(s.Addrs, from); len(s.Addrs) == 0 {
		return
	}
	h := heard{s, now.Add(s.TTL)}
	after := time.Duration(reportChange)
	switch {
	case i >= 0:
		old := l.heard[i]
		if old.presence == s.presence && slices.Equal(old.Addrs, s.Addrs) {
			after = reportRefresh
		}
		l.heard[i] = h
	case len(l.heard) < MaxPeers:
		l.heard = append(l.heard, h)
	default:
		// Somebody makes phones up. Any of them is as good as another, so
		// that true ones keep coming through.
		l.heard[m.rng.IntN(len(l.heard))] = h
	}
	if m.mute || s.Office == m.self.Office {
		m.reportBy(now, after)
	}
}

// reportBy makes sure that a report is due in d, or as soon after as the last one
// allows.
func (m *machine) reportBy(now time.Time, d time.Duration) {
	at := latest(now.Add(d), m.reportedAt.Add(reportGap))
	if m.reportAt.IsZero() || at.Before(m.reportAt) {
		m.reportAt = at
	}
}

// found joins what was heard on all links, for one office or, for a newcomer, all. If
// links disagree about a phone, the later word counts.
func (m *machine) found() []sighting {
	var all []heard
	for _, l := range m.links {
		for _, h := range l.heard {
			if m.mute || h.Office == m.self.Office {
				all = append(all, h)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b heard) int { return cmp.Or(a.ID.Compare(b.ID), b.until.Compare(a.until)) })

	var out []sighting
	for _, h := range all {
		if n := len(out); n == 0 || out[n-1].ID != h.ID {
			h.Addrs = slices.Clone(h.Addrs)
			out = append(out, h.sighting)
			continue
		}
		last := &out[len(out)-1]
		for _, a := range h.Addrs {
			if !slices.Contains(last.Addrs, a) {
				last.Addrs = append(last.Addrs, a)
			}
		}
		sortAddrs(last.Addrs)
	}
	return out
}
