//go:build interop

package interop

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

//go:embed testdata/*.xml testdata/*.sdp testdata/*.sip
var scenarios embed.FS

// sipp is one run of a scenario.
type sipp struct {
	s    *scene
	name string
	*process
	trace string // the messages it sent and received
}

// sipp runs a scenario of testdata on a host against server i. Words in capitals of
// the scenario are replaced.
// The uri is what it authenticates for: it would take the server's address.
func (s *scene) sipp(h *host, name, scenario, uri string, i int, over string, words ...string) *sipp {
	text, err := scenarios.ReadFile("testdata/" + scenario)
	s.must(err)
	file := s.file(name+".xml", strings.NewReplacer(append([]string{"OFFICE", officeName}, words...)...).Replace(string(text)))
	p := &sipp{s: s, name: name, trace: filepath.Join(s.dir, name+".messages")}
	mode := map[string]string{"udp": "u1", "tcp": "t1"}[over]
	p.process = s.start(name, h, nil, "sipp", "-sf", file, fmt.Sprintf("%s:%d", s.at(i), port(over)), "-i", h.address, "-p", "5060",
		"-t", mode, "-m", "1", "-nostdin", "-auth_uri", uri, "-timeout", "40s", "-timeout_error", "-recv_timeout", "15000",
		"-trace_msg", "-message_file", p.trace, "-trace_err", "-error_file", filepath.Join(s.dir, name+".errors"))
	return p
}

func (p *sipp) String() string { return "sipp " + p.name }

// done waits for the end of the scenario, which must have gone as written.
func (p *sipp) done() {
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		p.s.failf("%s did not come to an end within 30 s", p)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		why, _ := os.ReadFile(filepath.Join(p.s.dir, p.name+".errors"))
		p.s.failf("%s ended with exit code %d: %s", p, code, firstLines(string(why), 12))
	}
}

func firstLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[:min(n, len(lines))], "\n")
}

// saw ends the trial unless the messages of the scenario have this text.
func (p *sipp) saw(what, direction, text string) {
	b, err := os.ReadFile(p.trace)
	p.s.must(err)
	text = strings.ReplaceAll(text, "\r\n", "\n")
	for _, message := range strings.Split(string(b), "-----------------------------------------------") {
		if strings.Contains(message, direction) && strings.Contains(strings.ReplaceAll(message, "\r\n", "\n"), text) {
			return
		}
	}
	p.s.failf("%s: no %s with\n%s\nin %s", p, what, text, p.trace)
}

// sippRegister registers a user, who can then be reached on the host's port 5060.
func (s *scene) sippRegister(h *host, user string, i int, over string) {
	s.sipp(h, "register-"+user, "register.xml", officeName, i, over, "USER", user).done()
}

// sipsakRegister has sipsak register a user; refused is the status it must be refused
// with, if any.
func (s *scene) sipsakRegister(user, password string, refused int) {
	if password == "" {
		password = "secret" + user
	}
	h := s.host()
	p := s.start("sipsak", h, nil, "sipsak", "-U", "-vv", "-x", "600", "-u", user, "-a", password, "-C", "sip:"+user+"@"+h.address+":5060",
		"-p", s.at(0), "-s", "sip:"+user+"@"+officeName)
	select {
	case <-p.ended:
	case <-time.After(15 * time.Second):
		s.failf("sipsak did not come to an end within 15 s")
	}
	code := p.cmd.ProcessState.ExitCode()
	if refused == 0 && code != 0 {
		s.failf("sipsak ended with exit code %d", code)
	}
	if refused != 0 && code == 0 {
		s.failf("sipsak registered with a wrong password")
	}
}

// Load-tester scenarios: calls with authentication, and descriptions of media that our
// phones do not know themselves.
func TestSIPp(t *testing.T) {
	t.Parallel()
	var all []trial
	for _, media := range []struct{ name, offer, answer string }{
		{"audio", "audio-offer.sdp", "audio-answer.sdp"},
		{"video", "video-offer.sdp", "video-answer.sdp"},
		{"T.38", "t38-offer.sdp", "t38-answer.sdp"},
	} {
		for second, phones := range []string{"one phone", "two phones"} {
			for _, over := range []string{"udp", "tcp"} {
				all = append(all, trial{
					part: "sipp", what: media.name + " call through " + phones, over: over,
					script: func(s *scene) {
						caller, callee := s.user(), s.user()
						a, b := s.host(), s.host()
						offer, answer := s.sdp(media.offer), s.sdp(media.answer)
						s.sippRegister(a, caller, 0, over)
						s.sippRegister(b, callee, second, "udp")
						uas := s.sipp(b, "uas", "uas.xml", officeName, second, "udp", "ANSWER", answer)
						uac := s.sipp(a, "uac", "uac.xml", callee+"@"+officeName, 0, over, "CALLER", caller, "CALLEE", callee, "OFFER", offer)
						uac.done()
						uas.done()
						uas.saw("INVITE", "received", offer)
						uac.saw("answer", "received", answer)
					},
				})
			}
		}
	}
	trials(t, all)
}

// sdp is a description of testdata.
func (s *scene) sdp(name string) string {
	b, err := scenarios.ReadFile("testdata/" + name)
	s.must(err)
	return strings.TrimRight(string(b), "\n")
}
