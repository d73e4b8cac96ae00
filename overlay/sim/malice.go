package sim

import (
	"fmt"
	"maps"
	"slices"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// Malice is what an enrolled phone that somebody has taken over does to the
// others. It cannot sign with another's key: it answers in its own name only, and
// every record that it hands out was really signed by its owner once.
//
// Beside that it runs as everybody else does, so that it keeps its place in the
// ring and nobody suspects it.
type Malice uint8

const (
	// Drops passes nothing on: no request, no answer, no copy to a replica,
	// though it says that it made them.
	Drops Malice = 1 << iota

	// Misroutes answers for keys that are not its own, as if it held nothing,
	// and says that it took in what it did not.
	Misroutes

	// Forges tells its neighbours of neighbours that are accomplices or do not
	// exist.
	Forges

	// Stale answers with the oldest version that it has, or with nothing.
	Stale

	// Refuses answers that it is forbidden, whatever it is asked, but for where it is itself.
	Refuses
)

// ParseMalice reads the words of ringsim's flag.
func ParseMalice(s string) (Malice, error) {
	m, ok := map[string]Malice{"drop": Drops, "route": Misroutes, "table": Forges, "stale": Stale, "refuse": Refuses,
		"all": Drops | Misroutes | Forges | Stale}[s]
	if !ok {
		return 0, fmt.Errorf("sim: malice %q: one of drop, route, table, stale, refuse, all", s)
	}
	return m, nil
}

// Corrupt turns a host malicious, from now on.
func (s *Net) Corrupt(i int, m Malice) {
	h := s.hosts[i]
	h.Malice, h.oldest = m, maps.Clone(h.Disk)
	s.wicked = append(s.wicked, i)
	slices.SortFunc(s.wicked, func(a, b int) int { return s.hosts[a].Peer.ID.Compare(s.hosts[b].Peer.ID) })
}

// pervert sees what happens to a malicious host before its node does. It reports
// whether the node is not to know.
func (s *Net) pervert(i int, ev chord.Event) bool {
	h := s.hosts[i]
	r, ok := ev.(chord.Receive)
	if !ok || len(r.Msg.To) == 0 {
		return false
	}
	m, to := r.Msg, r.Msg.To[0]
	if !to.Resource {
		passing := to.ID != h.Peer.ID || len(m.To) > 1
		return passing && h.Malice&Drops != 0
	}
	members := s.Members()
	store, isStore := m.Body.(chord.Store)
	_, isPing := m.Body.(chord.Ping)
	switch mine := s.Owner(members, to.ID) == i; {
	case h.Malice&Refuses != 0 && !(mine && isPing):
		s.answer(i, r, chord.Error{Code: chord.Forbidden, Info: "no"})
		return true
	case mine && isStore && store.Replica == 0 && h.Malice&Drops != 0:
		s.answer(i, r, chord.Stored{Copies: 12}) // tamper sees to it that none is made
		return false
	case mine:
		return false
	case h.Malice&Misroutes == 0:
		return h.Malice&Drops != 0
	}
	switch m.Body.(type) {
	case chord.Ping:
		s.answer(i, r, chord.Pong{Table: s.forged(i, to.ID)})
	case chord.Fetch:
		s.answer(i, r, chord.Fetched{})
	case chord.Stat:
		s.answer(i, r, chord.Versions{})
	case chord.Store:
		s.answer(i, r, chord.Stored{Copies: 12})
	}
	return true
}

// answer sends an answer of a malicious host the way the request came.
func (s *Net) answer(i int, r chord.Receive, body chord.Body) {
	to := []chord.Dest{{ID: r.From.ID}}
	for _, id := range slices.Backward(r.Msg.Via) {
		to = append(to, chord.Dest{ID: id})
	}
	s.send(i, chord.Send{To: r.From, Msg: chord.Message{Tx: r.Msg.Tx, From: s.hosts[i].Peer, To: to, TTL: 32, Body: body}})
}

// tamper changes what the node of a malicious host sends; false drops it.
func (s *Net) tamper(i int, m *chord.Message) bool {
	h := s.hosts[i]
	if m.From.ID != h.Peer.ID {
		return h.Malice&Drops == 0
	}
	if h.Malice&Drops != 0 {
		if st, ok := m.Body.(chord.Store); ok && st.Replica > 0 {
			return false
		}
	}
	if h.Malice&Stale != 0 {
		if f, ok := m.Body.(chord.Fetched); ok {
			var old []overlay.Record
			nothing := s.rng.IntN(2) == 0
			for _, r := range f.Records {
				if o, ok := h.oldest[r.Slot()]; ok && !nothing {
					old = append(old, o)
				}
			}
			m.Body = chord.Fetched{Records: old}
		}
		if v, ok := m.Body.(chord.Versions); ok {
			var old []chord.Held
			nothing := s.rng.IntN(2) == 0
			for _, w := range v.Held {
				if o, ok := h.oldest[w.Slot]; ok && !nothing {
					old = append(old, chord.HeldOf(o))
				}
			}
			m.Body = chord.Versions{Held: old}
		}
	}
	if h.Malice&Forges != 0 {
		switch m.Body.(type) {
		case chord.Pong:
			m.Body = chord.Pong{Table: s.forged(i, h.Peer.ID)}
		case chord.Update:
			m.Body = chord.Update{Table: s.forged(i, h.Peer.ID)}
		}
	}
	return true
}

// forged is a table from which it seems that host i is responsible for key, and
// that round it stand its accomplices (told by every other host) or nodes that do
// not exist.
func (s *Net) forged(i int, key overlay.ID) chord.Table {
	h := s.hosts[i]
	t := chord.Table{Addr: h.Peer.Addr}
	list := func(step int) (out []overlay.Peer) {
		k := slices.Index(s.wicked, i)
		for range min(s.cfg.Chord.Successors, len(s.wicked)-1) {
			k = (k + step + len(s.wicked)) % len(s.wicked)
			out = append(out, s.hosts[s.wicked[k]].Peer)
		}
		return out
	}
	if i%2 == 0 {
		t.Pred, t.Succ = list(-1), list(1)
		return t
	}
	ghost := func(id overlay.ID) overlay.Peer { return overlay.Peer{ID: id, Addr: h.Peer.Addr} }
	before, after := key, h.Peer.ID
	minus := overlay.ID{}.Plus(0)
	t.Pred = append(t.Pred, ghost(minus.Distance(before))) // key - 1
	for range 8 {
		after = after.Plus(uint(116 + s.rng.IntN(6)))
		t.Succ = append(t.Succ, ghost(after))
	}
	return t
}
