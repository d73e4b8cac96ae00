//go:build interop

package interop

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"chordophone/hal"
	"chordophone/hal/wav"
)

// baresip is one baresip, driven over its ctrl_tcp module: netstrings of JSON. It
// says a voice and dumps what it receives into WAV files.
type baresip struct {
	s      *scene
	name   string
	host   *host
	at     int // the server it registers at
	over   string
	speaks *voice
	dir    string
	*process
	control net.Conn
	events  *feed[baresipEvent]
	answers chan baresipEvent
}

// baresipEvent is a message of ctrl_tcp.
type baresipEvent struct {
	Event     bool   `json:"event"`
	Type      string `json:"type"`
	Direction string `json:"direction"`
	Peer      string `json:"peeruri"`
	ID        string `json:"id"`
	Param     string `json:"param"`
	OK        bool   `json:"ok"`
	Data      string `json:"data"`
}

// port is where a transport's servers listen.
func port(over string) int {
	if over == "tls" {
		return 5061
	}
	return 5060
}

// baresip starts one as user at server i over a transport.
func (s *scene) baresip(user string, i int, over string, v *voice, modules ...string) *baresip {
	return s.baresipWith(user, "secret"+user, i, over, v, modules...)
}

// baresipWriter starts one with an other as the only entry of its contacts: whom its
// messages go to.
func (s *scene) baresipWriter(user string, i int, over string, other string) *baresip {
	s.file(user+"/contacts", fmt.Sprintf("<sip:%s@%s>\n", other, officeName))
	return s.baresip(user, i, over, voices[0])
}

func (s *scene) baresipWith(user, password string, i int, over string, v *voice, modules ...string) *baresip {
	h := s.host()
	b := &baresip{
		s: s, name: user, host: h, at: i, over: over, speaks: v,
		dir:     filepath.Join(s.dir, user),
		events:  newFeed[baresipEvent](),
		answers: make(chan baresipEvent, 16),
	}
	s.file(user+"/config", strings.NewReplacer("ADDRESS", h.address, "SOUND", v.wav8).Replace(baresipConfig)+
		strings.Join(modules, "\n")+"\n")
	s.file(user+"/accounts", fmt.Sprintf("<sip:%s@%s>;outbound=\"sip:%s:%d;transport=%s\";regint=3600;auth_pass=%s;audio_codecs=PCMU,PCMA\n",
		user, officeName, s.at(i), port(over), over, password))
	if !exists(filepath.Join(b.dir, "contacts")) {
		s.file(user+"/contacts", "")
	}
	s.file(user+"/dump/.keep", "")
	b.process = s.startIn(b.dir, user, h, nil, "env", "HOME="+b.dir, "baresip", "-s", "-f", b.dir)
	s.eventually("control connection to baresip "+user, soon, func() (err error) {
		b.control, err = h.dial("127.0.0.1:4444")
		return err
	})
	s.undo = append(s.undo, func() { b.control.Close() })
	go b.read()
	return b
}

const baresipConfig = `poll_method epoll
sip_listen ADDRESS:5060
call_local_timeout 120
call_max_calls 4
audio_player aubridge,earpiece
audio_source aufile,SOUND
audio_alert aubridge,bell
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_buffer 20-160
rtp_ports 20000-30000
jitter_buffer_delay 1-5
rtp_stats yes
statmode_default off
net_interface eth0
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp uuid.so
module_tmp account.so
module_app contact.so
module_app ctrl_tcp.so
module_app menu.so
ctrl_tcp_listen 127.0.0.1:4444
snd_path dump
ringback_disabled yes
menu_bell no
`

func (b *baresip) read() {
	in := bufio.NewReader(b.control)
	defer b.events.end()
	for {
		size, err := in.ReadString(':')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSuffix(size, ":"))
		if err != nil || n < 0 || n > 1<<20 {
			return
		}
		text := make([]byte, n+1) // and a comma
		if _, err := io.ReadFull(in, text); err != nil {
			return
		}
		var e baresipEvent
		if json.Unmarshal(text[:n], &e) != nil {
			continue
		}
		if e.Event {
			b.events.put(e)
		} else {
			b.answers <- e
		}
	}
}

func (b *baresip) String() string { return "baresip " + b.name }
func (b *baresip) number() string { return b.name }
func (b *baresip) voice() *voice  { return b.speaks }

// do gives a command of baresip's menu and returns what it says.
func (b *baresip) do(command, params string) string {
	message, err := json.Marshal(map[string]string{"command": command, "params": params, "token": "t"})
	b.s.must(err)
	fmt.Fprintf(b.control, "%d:%s,", len(message), message)
	select {
	case a := <-b.answers:
		if !a.OK {
			b.s.failf("%s refused the command %s %s: %s", b, command, params, a.Data)
		}
		return colours.ReplaceAllString(a.Data, "")
	case <-time.After(soon):
		b.s.failf("%s did not answer the command %s %s within %v", b, command, params, soon)
		return ""
	}
}

// expect waits for an event.
func (b *baresip) expect(what string, within time.Duration, is func(baresipEvent) bool) baresipEvent {
	e, ok := b.events.wait(within, is)
	if !ok {
		b.s.failf("%s: no %s within %v", b, what, within)
	}
	return e
}

func kind(types ...string) func(baresipEvent) bool {
	return func(e baresipEvent) bool { return slices.Contains(types, e.Type) }
}

// says waits for a line on its terminal.
func (b *baresip) says(what string, within time.Duration, parts ...string) string {
	line, ok := b.lines.wait(within, func(line string) bool { return containsAll(line, parts) })
	if !ok {
		b.s.failf("%s: no %s within %v (a line with %q)", b, what, within, parts)
	}
	return line
}

func containsAll(line string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(line, part) {
			return false
		}
	}
	return true
}

func (b *baresip) registered() { b.says("registration", soon, b.name+"@"+officeName+": {", "200 OK") }

func (b *baresip) dial(to string) {
	b.events.skip()
	b.do("dial", "sip:"+to+"@"+officeName)
}

func (b *baresip) ringback() { b.expect("ringback", soon, kind("CALL_RINGING", "CALL_PROGRESS")) }

func (b *baresip) ringing(from string) {
	e := b.expect("ringing", soon, kind("CALL_INCOMING"))
	if !strings.HasPrefix(e.Peer, "sip:"+from+"@"+officeName) {
		b.s.failf("%s shows the caller as %s, want sip:%s@%s", b, e.Peer, from, officeName)
	}
}

func (b *baresip) answer()    { b.do("accept", "") }
func (b *baresip) reject()    { b.do("hangup", "") }
func (b *baresip) hangup()    { b.do("hangup", "") }
func (b *baresip) connected() { b.expect("established call", soon, kind("CALL_ESTABLISHED")) }

// closed waits for the end of the call and returns the reason that it shows.
func (b *baresip) closed() string {
	return b.expect("end of the call", soon, kind("CALL_CLOSED")).Param
}

func (b *baresip) hold()              { b.do("hold", "") }
func (b *baresip) resume()            { b.do("resume", "") }
func (b *baresip) transfer(to string) { b.do("transfer", "sip:"+to+"@"+officeName) }

// heard is what all its calls received, one after the other.
func (b *baresip) heard() ([]int16, error) {
	files, err := filepath.Glob(filepath.Join(b.dir, "dump", "*-dec.wav"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var all []int16
	for _, f := range files {
		if sound, err := wav.ReadFile(f); err == nil { // a file just made has no header yet
			all = append(all, sound.At(hal.Rate)...)
		}
	}
	return all, nil
}
