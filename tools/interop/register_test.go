//go:build interop

package interop

import (
	"strings"
	"testing"
)

// Registration with digest, and a wrong password refused.
func TestRegistration(t *testing.T) {
	t.Parallel()
	var all []trial
	for _, over := range transports {
		all = append(all,
			trial{part: "registration", what: "baresip", over: over, script: func(s *scene) {
				s.baresip(s.user(), 0, over, voices[0]).registered()
			}},
			trial{part: "registration", what: "linphone", over: over, script: func(s *scene) {
				s.linphone(s.user(), 0, over, voices[0]).registered()
			}},
			trial{part: "registration", what: "baresip, wrong password", over: over, script: func(s *scene) {
				user := s.user()
				b := s.baresipWith(user, "wrong", 0, over, voices[0])
				line := b.says("refusal", soon, "reg: sip:"+user+"@"+officeName+": ")
				if !containsAny(line, []string{"401", "403", "503"}) { // it tries on and on, until it is slowed down
					s.failf("%s shows %q for a wrong password", b, line)
				}
				s.note("shown: %.16s", line[strings.LastIndex(line, ": ")+2:])
			}},
			trial{part: "registration", what: "linphone, wrong password", over: over, script: func(s *scene) {
				l := s.linphoneWith(s.user(), "wrong", 0, over, voices[0])
				l.refused()
			}},
		)
	}
	all = append(all,
		trial{part: "registration", what: "sipsak", over: "udp", script: func(s *scene) { s.sipsakRegister(s.user(), "", 0) }},
		trial{part: "registration", what: "sipsak, wrong password", over: "udp", script: func(s *scene) { s.sipsakRegister(s.user(), "wrong", 401) }},
	)
	for _, over := range []string{"udp", "tcp"} { // Debian's sipp has no TLS
		all = append(all, trial{part: "registration", what: "sipp", over: over, script: func(s *scene) {
			s.sippRegister(s.host(), s.user(), 0, over)
		}})
	}
	all = append(all, trial{part: "registration", what: "baresip, at a phone that is ready just now", over: "udp", alone: true, script: func(s *scene) {
		user := s.user()
		o := s.ownOffice(1)
		p := o.enrol(s.host())
		s.must(p.start(o.dir))
		s.undo = append(s.undo, p.kill)
		s.baresip(user, 1, "udp", voices[0]).registered()
	}})
	trials(t, all)
}
