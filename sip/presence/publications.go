package presence

import (
	"slices"
	"time"

	"chordophone/sip/presence/document"
)

// Bounds on what is published at this phone.
const (
	maxPublished       = 2000
	maxPublishedForAOR = 10
	maxPublishBody     = 8 << 10 // octets
)

// publication is the event state of one publisher: RFC 3903, section 3.
type publication struct {
	tag     string
	expires time.Time
	state   document.Presence
}

// publications is RFC 3903's event state compositor as a value.
type publications struct {
	of    map[string][]publication // by address, the newest last
	count int
}

// publish is RFC 3903, section 6, from step 3 on: match is If-Match, state nil
// where there was no body, tag the new entity-tag. It returns the status to answer.
func (p *publications) publish(now time.Time, aor, match, tag string, expires time.Duration, state *document.Presence) int {
	list := p.of[aor]
	i := -1
	if match != "" {
		i = slices.IndexFunc(list, func(one publication) bool { return one.tag == match })
		if i < 0 {
			return 412
		}
	}
	switch {
	case i < 0 && state == nil:
		return 400 // "a request that ... creates ... MUST contain a body"
	case i < 0 && expires == 0:
		return 200
	case expires == 0:
		p.set(aor, slices.Delete(list, i, i+1))
	case i < 0:
		if len(list) >= maxPublishedForAOR || p.count >= maxPublished {
			return 503
		}
		p.set(aor, append(list, publication{tag, now.Add(expires), *state}))
	case state == nil:
		list[i].tag, list[i].expires = tag, now.Add(expires)
	default:
		p.set(aor, append(slices.Delete(list, i, i+1), publication{tag, now.Add(expires), *state}))
	}
	return 200
}

func (p *publications) set(aor string, list []publication) {
	p.count += len(list) - len(p.of[aor])
	if len(list) == 0 {
		delete(p.of, aor)
	} else {
		p.of[aor] = list
	}
}

// expire removes what has expired of an address.
func (p *publications) expire(now time.Time, aor string) {
	kept := make([]publication, 0, len(p.of[aor]))
	for _, one := range p.of[aor] {
		if now.Before(one.expires) {
			kept = append(kept, one)
		}
	}
	p.set(aor, kept)
}

// next is when the first of an address expires; zero: never.
func (p *publications) next(aor string) time.Time {
	var first time.Time
	for _, one := range p.of[aor] {
		if first.IsZero() || one.expires.Before(first) {
			first = one.expires
		}
	}
	return first
}

// compose makes one of all that is published for an address.
func (p *publications) compose(aor string) document.Presence {
	var all []document.Presence
	for _, one := range p.of[aor] {
		all = append(all, one.state)
	}
	return merge(aor, all)
}

// merge makes one presence of several, the newest last: open if any is; activities
// and note of the newest that has either.
func merge(aor string, all []document.Presence) document.Presence {
	sum := document.Presence{Entity: "sip:" + aor}
	said := false
	for _, one := range slices.Backward(all) {
		if one.Basic == document.Open || sum.Basic == document.Unsaid {
			sum.Basic = one.Basic
		}
		if !said && (len(one.Activities) > 0 || one.Note != "") {
			sum.Activities, sum.Note, said = one.Activities, one.Note, true
		}
	}
	return sum
}
