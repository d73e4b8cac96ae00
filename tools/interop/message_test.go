//go:build interop

package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// shows looks at baresip's trace, for it prints messages only where it has a screen.
func (b *baresip) shows(from, text string) {
	b.says("message "+text, soon, "From: ", "sip:"+from+"@"+officeName)
	b.says("message "+text, soon, text)
}

// send writes to the contact that is first in its list.
func (b *baresip) send(_, text string) { b.do("message", text) }

func (l *linphone) send(to, text string) {
	l.write(fmt.Sprintf("chat sip:%s@%s %q", to, officeName, text))
}

func (l *linphone) shows(from, text string) {
	l.says("message "+text, soon, "sip:"+from+"@"+officeName, text)
}

// sipsakSend has sipsak write a message in the name of an account. Its own message mode
// ends with a segmentation fault (0.9.8.1), so it is given the text to send.
func (s *scene) sipsakSend(h *host, i int, from, to, text string) {
	name := "sipsak-" + unsafe.ReplaceAllString(text, "-")
	request, err := scenarios.ReadFile("testdata/message.sip")
	s.must(err)
	file := s.file(name+".sip", strings.NewReplacer("TO", to, "FROM", from, "OFFICE", officeName, "TAG", fmt.Sprintf("t%d", time.Now().UnixNano()),
		"LENGTH", fmt.Sprint(len(text))).Replace(string(request))+text)
	p := s.start(name, h, nil, "sipsak", "-f", file, "-vv", "-u", from, "-a", "secret"+from, "-p", s.at(i), "-s", "sip:"+to+"@"+officeName)
	select {
	case <-p.ended:
	case <-time.After(15 * time.Second):
		s.failf("sipsak did not come to an end within 15 s")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		s.failf("sipsak: the message %q was refused: exit code %d", text, code)
	}
}

// Messages between clients, and to those who are away.
func TestMessages(t *testing.T) {
	t.Parallel()
	var all []trial
	for _, over := range transports {
		all = append(all,
			trial{part: "message", what: "baresip to linphone", over: over, script: func(s *scene) {
				b := s.linphone(s.user(), 1, over, voices[1])
				b.registered()
				a := s.baresipWriter(s.user(), 0, over, b.name)
				a.registered()
				a.send(b.name, "the first from "+a.name)
				b.shows(a.name, "the first from "+a.name)
			}},
			trial{part: "message", what: "linphone to baresip", over: over, script: func(s *scene) {
				a, b := s.linphone(s.user(), 0, over, voices[0]), s.baresip(s.user(), 1, over, voices[1])
				a.registered()
				b.registered()
				a.send(b.name, "the first from "+a.name)
				b.shows(a.name, "the first from "+a.name)
			}},
			trial{part: "message", what: "sipsak to baresip", over: over, script: func(s *scene) {
				b := s.baresip(s.user(), 1, over, voices[1])
				b.registered()
				from := s.user()
				s.sipsakSend(s.host(), 0, from, b.name, "hello from sipsak")
				b.shows(from, "hello from sipsak")
			}},
			trial{part: "message", what: "three to baresip, who is away and comes back", over: over, alone: true, script: func(s *scene) {
				from, to := s.user(), s.user()
				h := s.host()
				for _, text := range []string{"one", "two", "three"} {
					s.sipsakSend(h, 0, from, to, text)
				}
				b := s.baresip(to, 1, over, voices[1])
				b.registered()
				for _, text := range []string{"one", "two", "three"} {
					b.shows(from, text)
				}
				time.Sleep(2 * time.Second)
				if n := b.lines.count(func(line string) bool { return strings.HasPrefix(line, "MESSAGE sip:") }); n != 3 {
					s.failf("%s had %d messages, want each of three once", b, n)
				}
			}},
			trial{part: "message", what: "linphone's three to linphone, who is away and comes back", over: over, alone: true, script: func(s *scene) {
				a := s.linphone(s.user(), 0, over, voices[0])
				a.registered()
				to := s.user()
				for _, text := range []string{"one", "two", "three"} {
					a.send(to, text)
					time.Sleep(500 * time.Millisecond)
				}
				b := s.linphone(to, 1, over, voices[1]) // which shows them before it says that it is registered
				for _, text := range []string{"one", "two", "three"} {
					b.shows(a.name, text)
				}
			}},
		)
	}
	trials(t, all)
}
