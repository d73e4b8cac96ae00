package clock

import (
	"slices"
	"time"
)

// When time servers are asked.
const (
	pollFirst = 15 * time.Second // "a client MUST NOT use a poll interval less than 15 seconds": RFC 4330, section 10
	pollLast  = 30 * time.Minute
)

// Outcome is what came of asking a time server.
type Outcome int

const (
	Good    Outcome = iota // the clock is the server's now
	Doubted                // it was not believed, this once
	Failed                 // no answer, or none that tells the time
	Slower                 // it is asked too often: RATE
	Never                  // it is not to be asked: DENY, RSTR
)

// Poll says which time server is asked when: the first that answers, the others only if
// it does not. The zero Poll has none.
type Poll struct {
	servers []polled
	rest    time.Time // all is well until then
}

type polled struct {
	name  string
	at    time.Time // not before
	wait  time.Duration
	never bool
}

// Use says which servers there are, the best first. One that is still there is not asked
// earlier for that.
func (p *Poll) Use(names []string) {
	var next []polled
	for _, n := range names {
		one := polled{name: n, wait: pollFirst}
		if i := p.index(n); i >= 0 {
			one = p.servers[i]
		} else {
			p.rest = time.Time{} // a new one
		}
		if !slices.ContainsFunc(next, func(o polled) bool { return o.name == n }) {
			next = append(next, one)
		}
	}
	p.servers = next
}

// Due is whom to ask now, if anybody. Answered follows.
func (p *Poll) Due(now time.Time) (name string, ok bool) {
	if now.Before(p.rest) {
		return "", false
	}
	for _, s := range p.servers {
		if !s.never && !now.Before(s.at) {
			return s.name, true
		}
	}
	return "", false
}

// Answered takes what came of it.
func (p *Poll) Answered(now time.Time, name string, o Outcome) {
	i := p.index(name)
	if i < 0 {
		return
	}
	s := &p.servers[i]
	switch o {
	case Good:
		s.wait, s.at = pollFirst, now.Add(pollLast)
		p.rest = s.at
	case Doubted:
		s.at = now.Add(pollFirst)
		p.rest = s.at
	case Slower:
		// "the client MUST immediately reduce its polling interval to that server and
		// continue to reduce it each time it receives a RATE kiss code": RFC 5905, section 7.4
		s.wait = min(2*s.wait, pollLast)
		fallthrough
	case Failed:
		s.at = now.Add(s.wait)
		s.wait = min(2*s.wait, pollLast)
	case Never:
		// "the client MUST demobilize any associations to that server and stop sending
		// packets to that server": RFC 5905, section 7.4
		s.never = true
	}
}

func (p *Poll) index(name string) int {
	return slices.IndexFunc(p.servers, func(s polled) bool { return s.name == name })
}
