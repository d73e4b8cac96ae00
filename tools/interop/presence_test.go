//go:build interop

package interop

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// dialogState finds the state of each dialog of a dialog-info document.
var dialogState = regexp.MustCompile(`<state[^>]*>\s*([a-z]+)`)

// lamp is what the watcher saw last: "idle" without a dialog, or the dialog's state.
func (p *sipp) lamp() string {
	b, err := os.ReadFile(p.trace)
	if err != nil {
		return "nothing" // not yet sent anything
	}
	messages := strings.Split(string(b), "-----------------------------------------------")
	for i := len(messages) - 1; i >= 0; i-- {
		if m := messages[i]; strings.Contains(m, "NOTIFY sip:") && strings.Contains(m, "dialog-info") {
			_, body, _ := strings.Cut(m, "<?xml")
			found := dialogState.FindAllStringSubmatch(body, -1)
			last := "idle"
			for _, state := range found {
				if state[1] != "terminated" {
					last = state[1]
				}
			}
			return last
		}
	}
	return "nothing"
}

// shows waits until the lamp that the watcher would light is such.
func (p *sipp) shows(want ...string) {
	p.s.eventually("NOTIFY of state "+strings.Join(want, " or ")+" at "+p.String(), soon, func() error {
		got := p.lamp()
		for _, w := range want {
			if got == w {
				return nil
			}
		}
		return fmt.Errorf("it is told %s", got)
	})
}

// Lamps: a watcher at one phone sees the calls of who is served by another.
func TestLamps(t *testing.T) {
	t.Parallel()
	var all []trial
	for _, watched := range []maker{aBaresip, aLinphone, ourPhone} {
		for _, over := range []string{"udp", "tcp"} {
			all = append(all, trial{
				part: "lamp", what: "sipp sees " + watched.name + " ring, talk and hang up", over: over, alone: true,
				script: func(s *scene) {
					b := watched.make(s, 1, "udp", voices[3])
					b.registered()
					a := s.baresip(s.user(), 2, "udp", voices[2])
					a.registered()
					watcher := s.user()
					h := s.host()
					s.sippRegister(h, watcher, 0, over)
					w := s.sipp(h, "watch", "watch.xml", b.number()+"@"+officeName, 0, over, "WATCHER", watcher, "WATCHED", b.number())
					w.shows("idle")
					a.dial(b.number())
					b.ringing(a.number())
					w.shows("early", "proceeding")
					b.answer()
					b.connected()
					w.shows("confirmed")
					b.hangup()
					a.closed()
					w.shows("idle")
				},
			})
		}
	}
	trials(t, all)
}

// Presence of the buddies of baresip and linphone.
func TestPresence(t *testing.T) {
	t.Parallel()
	var all []trial
	for _, over := range transports {
		all = append(all,
			trial{part: "presence", what: "baresip sees baresip come and go", over: over, alone: true, script: func(s *scene) {
				watched := s.user()
				name := s.user()
				s.file(name+"/contacts", fmt.Sprintf("\"Buddy\" <sip:%s@%s>;presence=p2p\n", watched, officeName))
				w := s.baresip(name, 0, over, voices[0], "module_app presence.so")
				w.registered()
				b := s.baresip(watched, 1, over, voices[1])
				b.registered()
				w.buddy("Online")
				b.do("quit", "") // takes its registration back
				w.buddy("Offline")
			}},
			trial{part: "presence", what: "linphone sees our phone", over: over, alone: true, script: func(s *scene) {
				h := s.handset(1)
				l := s.linphone(s.user(), 0, over, voices[0])
				l.registered()
				l.write("friend add Buddy sip:" + h.ext + "@" + officeName)
				l.write("y")
				s.eventually("NOTIFY with the presence of the phone at "+l.String(), soon, func() error {
					trace, err := os.ReadFile(l.dir + "/trace.log")
					if err != nil {
						return err
					}
					if text := string(trace); !strings.Contains(text, "NOTIFY sip:") || !strings.Contains(text, "<basic>open") {
						return fmt.Errorf("its trace has no such NOTIFY")
					}
					return nil
				})
			}},
		)
	}
	trials(t, all)
}

// buddy waits until baresip shows the only contact in a state.
func (b *baresip) buddy(state string) {
	b.s.eventually("buddy shown as "+state+" at "+b.String(), soon+soon, func() error {
		shown := b.do("contacts", "")
		if !strings.Contains(shown, state) {
			return fmt.Errorf("it shows %q", shown)
		}
		return nil
	})
}
