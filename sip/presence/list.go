package presence

import (
	"slices"
	"strings"

	"chordophone/sip/presence/document"
	"chordophone/sip/wire"
)

const (
	maxEntries = 50
	maxName    = 40       // runes
	maxBody    = 56 << 10 // octets of one notification, so that the message stays below 64 KB
)

// entry is a virtual subscription within a list: RFC 4662, section 4.
type entry struct {
	aor, name string
	id        string // of its part
	version   uint32
	sent      string
	due       bool // what was told last is no longer so
}

// size is how many octets it takes at most, beside its state: of the list, and of
// the header of its part.
func (e *entry) size() int { return 400 + 2*len(e.aor) + 5*len(e.name) }

// entries is a list as it is watched: each address once.
func entries(list []Contact) []*entry {
	all := []*entry{}
	for _, c := range list {
		aor := strings.ToLower(c.AOR)
		if len(all) == maxEntries {
			break
		}
		if aor != "" && !slices.ContainsFunc(all, func(e *entry) bool { return e.aor == aor }) {
			all = append(all, &entry{aor: aor, name: wire.PlainText(c.Name, maxName), id: wire.Token() + "@office", due: true})
		}
	}
	return all
}

// renewList asks for the list again, which may have changed.
func (a *Agent) renewList(w *watcher) {
	a.fetchList(w.user, func(list []Contact, err error) {
		if err != nil || a.watchers[w.d.localTag] != w || w.sub.reason != "" {
			return
		}
		now := entries(list)
		if slices.EqualFunc(now, w.list, func(x, y *entry) bool { return x.aor == y.aor && x.name == y.name }) {
			return
		}
		for i, e := range now {
			if j := slices.IndexFunc(w.list, func(o *entry) bool { return o.aor == e.aor }); j >= 0 {
				w.list[j].name = e.name
				now[i] = w.list[j]
			}
		}
		if more := len(now) - len(w.list); a.costs[w.user]+more > maxOfUser || a.cost+more > maxWatched {
			a.step(w, end{"probation"})
			return
		}
		a.charge(w, len(now)-len(w.list))
		gone := w.topics()
		w.list, w.full = now, true
		a.listen(w, w.topics())
		a.unlisten(w, gone)
		a.step(w, changed{})
	}, func() {})
}

// rejected stands for the state of an entry that is none of the watcher's business:
// always the same, so that not even a change of it can be seen.
const rejected = "rejected"

// entryState is what there is to tell of an entry, to compare with what was told.
func (a *Agent) entryState(w *watcher, e *entry) string {
	if !a.may(w.user, e.aor) {
		return rejected
	}
	return a.plain(w.event, e.aor)
}

// listBody is one notification of a list: everything after a SUBSCRIBE, else what has
// changed (RFC 4662, section 4.5). What does not fit is left for the next; more
// says that there is some.
func (a *Agent) listBody(w *watcher) (kind string, body []byte, more bool) {
	l := document.List{URI: "sip:contacts+" + w.aor, Version: w.version, Full: w.full}
	parts := []document.Part{{ID: "list@office", Type: document.ListType + ";charset=UTF-8"}}
	size := 512
	if w.full {
		for _, e := range w.list {
			size += e.size()
		}
	}
	for _, e := range w.list {
		if !w.full && !e.due {
			continue
		}
		r := document.Resource{URI: "sip:" + e.aor, Name: e.name}
		kind, text, known := a.state(w.event, e.aor, e.version)
		switch {
		case !a.may(w.user, e.aor):
			r.State, r.Reason = "terminated", rejected
			e.due, e.sent = false, rejected
		case !known:
			e.due = false // until it is
		case size+e.size()+len(text) > maxBody:
			e.due, more = true, true
			if !l.Full {
				continue
			}
		default:
			size += e.size() + len(text)
			r.State, r.CID = "active", e.id
			parts = append(parts, document.Part{ID: e.id, Type: kind, Body: text})
			e.due, e.sent = false, a.entryState(w, e)
			e.version++
		}
		l.Resources = append(l.Resources, r)
	}
	w.full = false
	w.version++
	parts[0].Body = l.Bytes()
	kind, body = document.Related(wire.Token(), parts)
	return kind, body, more
}
