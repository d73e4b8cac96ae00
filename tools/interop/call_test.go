//go:build interop

package interop

import (
	"strings"
	"testing"
)

// telephone is what all kinds of clients, and our own telephone, can do.
type telephone interface {
	listener
	number() string
	voice() *voice
	registered()
	dial(to string)
	ringback()
	ringing(from string)
	answer()
	connected()
	hangup()
	closed() string
}

// maker starts a telephone at server i over a transport.
type maker struct {
	name string
	ours bool
	make func(s *scene, i int, over string, v *voice) telephone
}

var (
	aBaresip = maker{name: "baresip", make: func(s *scene, i int, over string, v *voice) telephone {
		return s.baresip(s.user(), i, over, v)
	}}
	aLinphone = maker{name: "linphone", make: func(s *scene, i int, over string, v *voice) telephone {
		return s.linphone(s.user(), i, over, v)
	}}
	ourPhone = maker{name: "our phone", ours: true, make: func(s *scene, i int, over string, v *voice) telephone {
		return s.handset(i)
	}}
)

var transports = []string{"udp", "tcp", "tls"}

// connect has a call b, sees the caller's number there, and waits until both talk.
func connect(a, b telephone) {
	a.dial(b.number())
	b.ringing(a.number())
	a.ringback()
	b.answer()
	b.connected()
	a.connected()
}

// A call with sound both ways, ended by either side.
func TestCalls(t *testing.T) {
	t.Parallel()
	var all []trial
	for _, pair := range []struct {
		a, b   maker
		phones string
		second int // the server of b
		who    string
	}{
		{aBaresip, aBaresip, "one phone", 0, "caller"},
		{aBaresip, aBaresip, "two phones", 1, "callee"},
		{aBaresip, aLinphone, "two phones", 1, "caller"},
		{aLinphone, aBaresip, "two phones", 1, "callee"},
		{aBaresip, ourPhone, "its own phone", 0, "caller"},
		{aBaresip, ourPhone, "another phone", 1, "callee"},
		{ourPhone, aBaresip, "its own phone", 0, "caller"},
		{ourPhone, aBaresip, "another phone", 1, "callee"},
		{aLinphone, ourPhone, "another phone", 1, "caller"},
		{ourPhone, aLinphone, "another phone", 1, "callee"},
	} {
		for _, over := range transports {
			all = append(all, trial{
				part: "call", what: pair.a.name + " calls " + pair.b.name + ", " + pair.phones + ", " + pair.who + " ends", over: over,
				alone: pair.a.ours || pair.b.ours,
				script: func(s *scene) {
					a := pair.a.make(s, 0, over, voices[2])
					b := pair.b.make(s, pair.second, over, voices[3])
					a.registered()
					b.registered()
					connect(a, b)
					s.hear(hearing{a, b.voice()}, hearing{b, a.voice()})
					if pair.who == "caller" {
						a.hangup()
						b.closed()
					} else {
						b.hangup()
						a.closed()
					}
				},
			})
		}
	}
	trials(t, all)
}

// Calls that come to nothing.
func TestCallsThatFail(t *testing.T) {
	t.Parallel()
	var all []trial
	for _, pair := range []struct{ a, b maker }{
		{aBaresip, aBaresip}, {aLinphone, aBaresip}, {aBaresip, aLinphone}, {ourPhone, aBaresip}, {ourPhone, aLinphone},
	} {
		for _, over := range transports {
			all = append(all, trial{
				part: "failing call", what: pair.b.name + " is busy for " + pair.a.name, over: over,
				alone: pair.a.ours,
				script: func(s *scene) {
					a, b := pair.a.make(s, 0, over, voices[2]), pair.b.make(s, 1, over, voices[3])
					a.registered()
					b.registered()
					a.dial(b.number())
					b.ringing(a.number())
					b.(interface{ reject() }).reject()
					reason := a.closed()
					if why := strings.ToLower(reason); !strings.Contains(why, "busy") && !strings.Contains(why, "486") && !strings.Contains(why, "decline") && !strings.Contains(why, "603") {
						s.failf("%s shows %q for a callee who is busy", a, reason)
					}
					s.note("shown: %s", reason)
				},
			})
		}
	}
	for _, pair := range []struct{ a, b maker }{
		{aBaresip, aBaresip}, {aLinphone, aBaresip}, {aBaresip, aLinphone}, {aBaresip, ourPhone}, {ourPhone, aBaresip}, {ourPhone, aLinphone},
	} {
		for _, over := range transports {
			all = append(all, trial{
				part: "failing call", what: pair.a.name + " gives up calling " + pair.b.name, over: over,
				alone: pair.a.ours || pair.b.ours,
				script: func(s *scene) {
					a, b := pair.a.make(s, 0, over, voices[2]), pair.b.make(s, 1, over, voices[3])
					a.registered()
					b.registered()
					a.dial(b.number())
					b.ringing(a.number())
					a.ringback()
					a.hangup()
					b.closed()
				},
			})
		}
	}
	for _, a := range []maker{aBaresip, aLinphone, ourPhone} {
		all = append(all, trial{
			part: "failing call", what: a.name + " calls a number that nobody has", over: "udp", alone: a.ours,
			script: func(s *scene) {
				a := a.make(s, 0, "udp", voices[2])
				a.registered()
				a.dial("199")
				s.note("shown: %s", a.closed())
			},
		})
	}
	trials(t, all)
}
