//go:build interop

package interop

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// quick is how long a call may take to ring at a client whose phone has just died.
const quick = 3 * time.Second

// ownOffice is an office of n phones for one trial, which may kill them.
func (s *scene) ownOffice(n int) *phones {
	var hosts []*host
	for range n {
		hosts = append(hosts, s.host())
	}
	o, err := startPhones(hosts, filepath.Join(s.dir, "office"), s.users)
	s.must(err)
	s.undo = append(s.undo, o.stop)
	for _, p := range o.all {
		s.run = append(s.run, p.process)
	}
	s.office = o
	return o
}

func registers(line string) bool { return strings.HasPrefix(line, "REGISTER sip:") }

// A client's phone is killed; a call from a client of another phone rings there
// nevertheless, soon and without a new registration.
func TestKill(t *testing.T) {
	t.Parallel()
	trials(t, []trial{
		{part: "kill", what: "calls to the client of a phone that was killed", over: "udp", alone: true, script: func(s *scene) {
			x, y := s.user(), s.user()
			o := s.ownOffice(3)
			callee := s.baresip(x, 0, "udp", voices[2])
			caller := s.baresip(y, 1, "udp", voices[3])
			callee.registered()
			caller.registered()
			var took []time.Duration
			for i := range kills {
				before := callee.lines.count(registers)
				o.all[0].kill()
				time.Sleep(time.Second)
				callee.events.skip()
				began := time.Now()
				caller.dial(x)
				if _, ok := callee.events.wait(quick, kind("CALL_INCOMING")); !ok {
					s.failf("kill %d of %d: %s does not ring within %v", i+1, kills, callee, quick)
				}
				took = append(took, time.Since(began))
				if after := callee.lines.count(registers); after != before {
					s.failf("kill %d of %d: %s registered anew", i+1, kills, callee)
				}
				caller.hangup()
				callee.closed()
				s.must(o.all[0].start(o.dir))
				s.undo = append(s.undo, o.all[0].kill)
				caller.dial(o.all[0].ext) // once it is reached, it is back in the office
				caller.ringback()
				caller.hangup()
				caller.closed()
			}
			slices.Sort(took)
			s.note("%d of %d rang, after %v in the median, %v at most", len(took), kills, took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
		}},
		{part: "kill", what: "a call to the client of a phone whose plug was pulled", over: "udp", alone: true, script: func(s *scene) {
			x, y := s.user(), s.user()
			o := s.ownOffice(3)
			callee := s.baresip(x, 0, "udp", voices[2])
			caller := s.baresip(y, 1, "udp", voices[3])
			callee.registered()
			caller.registered()
			o.all[0].host.plug(s, false)
			s.undo = append(s.undo, func() { o.all[0].host.plug(s, true) })
			time.Sleep(time.Second)
			caller.dial(x)
			began := time.Now()
			if _, ok := callee.events.wait(quick, kind("CALL_INCOMING")); !ok {
				s.failf("%s does not ring within %v", callee, quick)
			}
			s.note("rang after %v", time.Since(began).Round(time.Millisecond))
		}},
		{part: "kill", what: "a call goes on and is held and ended after a phone of it was killed", over: "udp", alone: true, script: func(s *scene) {
			x, y := s.user(), s.user()
			o := s.ownOffice(3)
			a := s.baresip(x, 0, "udp", voices[2])
			b := s.baresip(y, 1, "udp", voices[3])
			a.registered()
			b.registered()
			atA, atB := s.wire(a.host, a.String()), s.wire(b.host, b.String())
			connect(a, b)
			s.hears(atB, a.speaks)
			o.all[0].kill()
			time.Sleep(time.Second)
			s.hears(atA, b.speaks)
			b.hold()
			s.deaf(atB)
			b.resume()
			s.hears(atB, a.speaks)
			b.hangup()
			a.closed()
		}},
	})
}
