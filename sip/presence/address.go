package presence

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"chordophone/sip/location"
	"chordophone/sip/presence/document"
	"chordophone/sip/wire"
)

// Times between look-ups of an address that somebody watches.
const (
	lookWell = 30 * time.Second // as long as all of its phones answer
	lookIll  = 5 * time.Second  // otherwise, and while it has none
	linger   = 30 * time.Second // it is watched so long after its last watcher has gone
)

// standing is how a place stands.
type standing uint8

const (
	asked   standing = iota // nothing has come yet
	told                    // its facts are known
	silent                  // it does not answer
	refused                 // it does not tell us
)

// place is a phone that serves an address.
type place struct {
	node     string // "102@office"
	addr     netip.AddrPort
	standing standing
	facts    facts
}

// address is one that is watched here, as a value: which phones serve it, and what
// they say.
type address struct {
	aor    string
	self   string // this phone
	looked bool   // whether the location service has ever answered
	failed bool   // whether it failed the last time
	bound  bool   // by anybody
	places []place
}

// located takes the bindings of a look-up that went well. It returns the nodes that
// are new, and those that are no more.
func (a *address) located(bindings []location.Binding) (come, gone []string) {
	a.looked, a.failed, a.bound = true, false, len(bindings) > 0
	var now []place
	for _, b := range bindings {
		p, ok := placeOf(a.aor, b)
		if !ok || slices.ContainsFunc(now, func(q place) bool { return q.node == p.node }) {
			continue
		}
		if i := a.at(p.node); i >= 0 {
			p.standing, p.facts = a.places[i].standing, a.places[i].facts
		} else {
			come = append(come, p.node)
		}
		now = append(now, p)
	}
	for _, p := range a.places {
		if !slices.ContainsFunc(now, func(q place) bool { return q.node == p.node }) {
			gone = append(gone, p.node)
		}
	}
	a.places = now
	return come, gone
}

// placeOf says which phone serves a binding. A telephone serves itself.
func placeOf(aor string, b location.Binding) (place, bool) {
	if b.Client() {
		return place{node: strings.ToLower(b.Node), addr: b.Server}, b.Node != ""
	}
	uri, err := wire.ParseURI(b.Contact)
	if err != nil {
		return place{}, false
	}
	ip, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	if err != nil {
		return place{}, false
	}
	port := uint16(5061)
	if uri.Port != 0 {
		port = uint16(uri.Port)
	}
	return place{node: aor, addr: netip.AddrPortFrom(ip.Unmap(), port)}, true
}

// at is the index of a node, -1 if it does not serve the address.
func (a *address) at(node string) int {
	return slices.IndexFunc(a.places, func(p place) bool { return p.node == node })
}

// set changes how a node stands, and reports whether it serves the address.
func (a *address) set(node string, s standing) bool {
	i := a.at(node)
	if i >= 0 {
		a.places[i].standing = s
	}
	return i >= 0
}

// heard takes what a node says. It reports whether bindings have changed there.
func (a *address) heard(node string, f facts) (moved bool) {
	i := a.at(node)
	if i < 0 {
		return false
	}
	p := &a.places[i]
	moved = p.standing == told && p.facts.presence.Bindings != f.presence.Bindings
	p.standing, p.facts = told, f
	return moved
}

// view composes what is known, with what this phone itself says.
func (a *address) view(own facts) view {
	v := view{bound: a.bound}
	var all []document.Presence
	answering, refusing, silence, waiting := 0, 0, 0, 0
	for _, p := range a.places {
		if p.node == a.self {
			answering++
			continue // below
		}
		switch p.standing {
		case told:
			v.dialogs = append(v.dialogs, named(p.node+"/", p.facts.dialogs)...)
			all = append(all, p.facts.presence)
			answering++
		case refused:
			refusing++
		case silent:
			silence++
		case asked:
			waiting++
		}
	}
	v.dialogs = append(v.dialogs, own.dialogs...)
	all = append(all, own.presence)
	v.published = merge(a.aor, all)
	here := a.aor == a.self || len(own.dialogs) > 0 || own.presence.Basic != document.Unsaid
	v.bound = v.bound || a.aor == a.self
	v.unreachable = answering == 0 && silence > 0 && !here
	v.known = a.looked && waiting+refusing == 0 || silence > 0 || answering > 0 || here
	if !a.looked && a.failed && !here { // nobody can say which phone it would be
		v.known, v.unreachable = true, true
	}
	if v.unreachable {
		v.dialogs, v.published = nil, merge(a.aor, nil)
	}
	return v
}

// pause is how long to wait for the next look-up.
func (a *address) pause(rng *rand.Rand) time.Duration {
	d := lookWell
	if a.failed || !a.bound || slices.ContainsFunc(a.places, func(p place) bool { return p.standing == silent }) {
		d = lookIll
	}
	return d*4/5 + time.Duration(rng.Int64N(int64(d*2/5)))
}
