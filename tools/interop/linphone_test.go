//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"chordophone/hal"
	"chordophone/hal/pcm"
	"chordophone/hal/wav"
)

// linphone is one linphonec, driven over its stdin. It says a voice and records what
// it receives.
type linphone struct {
	s      *scene
	name   string
	host   *host
	speaks *voice
	dir    string
	*process
}

// linphone starts one as user at server i over a transport.
func (s *scene) linphone(user string, i int, over string, v *voice) *linphone {
	return s.linphoneWith(user, "secret"+user, i, over, v)
}

func (s *scene) linphoneWith(user, password string, i int, over string, v *voice) *linphone {
	h := s.host()
	l := &linphone{s: s, name: user, host: h, speaks: v, dir: filepath.Join(s.dir, user)}
	rc := s.file(user+"/rc", strings.NewReplacer(
		"ADDRESS", h.address, "SERVER", fmt.Sprintf("%s:%d", s.at(i), port(over)), "OVER", over,
		"USER", user, "OFFICE", officeName, "PASSWORD", password,
	).Replace(linphoneConfig)+s.otherCodecs())
	s.must(os.MkdirAll(filepath.Join(l.dir, ".local/share/linphone"), 0o755))
	l.process = s.startIn(l.dir, user, h, nil, "env", "HOME="+l.dir, "linphonec", "-S", "-d", "5", "-l", "trace.log", "-c", rc)
	l.write("soundcard use files")
	l.write("play " + filepath.Join("..", "..", "..", filepath.Base(v.wav8)))
	l.write("record heard.wav")
	return l
}

// otherCodecs turns off what is not G.711 in trials that listen on the wire.
func (s *scene) otherCodecs() string {
	if !s.g711 {
		return ""
	}
	text := ""
	for i, codec := range []string{"opus 48000 2", "speex 16000 1", "speex 8000 1", "speex 32000 1", "G722 8000 1", "GSM 8000 1",
		"BV16 8000 1", "iLBC 8000 1", "L16 44100 1", "L16 44100 2"} {
		words := strings.Fields(codec)
		text += fmt.Sprintf("[audio_codec_%d]\nmime=%s\nrate=%s\nchannels=%s\nenabled=0\n", 2+i, words[0], words[1], words[2])
	}
	return text
}

const linphoneConfig = `[sip]
sip_port=5060
sip_tcp_port=5060
sip_tls_port=5061
verify_server_certs=0
verify_server_cn=0
default_proxy=0
use_ipv6=0
guess_hostname=1
media_encryption=none
keepalive_period=60000
zrtp_secrets_cache=
[proxy_0]
reg_proxy=<sip:SERVER;transport=OVER>
reg_route=<sip:SERVER;transport=OVER;lr>
reg_identity=sip:USER@OFFICE
reg_expires=3600
reg_sendregister=1
publish=0
[auth_info_0]
username=USER
passwd=PASSWORD
realm=OFFICE
domain=OFFICE
[rtp]
audio_rtp_port=20000-30000
audio_jitt_comp=60
[audio_codec_0]
mime=PCMU
rate=8000
channels=1
enabled=1
[audio_codec_1]
mime=PCMA
rate=8000
channels=1
enabled=1
[app]
[video]
enabled=0
capture=0
display=0
automatically_initiate=0
automatically_accept=0
`

func (l *linphone) String() string { return "linphone " + l.name }
func (l *linphone) number() string { return l.name }
func (l *linphone) voice() *voice  { return l.speaks }

// says waits for a line on its terminal that has all parts.
func (l *linphone) says(what string, within time.Duration, parts ...string) string {
	line, ok := l.lines.wait(within, func(line string) bool { return containsAll(line, parts) })
	if !ok {
		l.s.failf("%s: no %s within %v (a line with %q)", l, what, within, parts)
	}
	return line
}

// heard is what it recorded. The file has its header only once it is complete: a hole
// of the same size until then.
func (l *linphone) heard() ([]int16, error) {
	const header = 44
	b, err := os.ReadFile(filepath.Join(l.dir, "heard.wav"))
	if err != nil || len(b) <= header {
		return nil, nil // not yet there
	}
	rate := 8000
	trace, err := os.ReadFile(filepath.Join(l.dir, "trace.log"))
	if err != nil {
		return nil, err
	}
	for _, found := range recordingRate.FindAllSubmatch(trace, -1) {
		rate, _ = strconv.Atoi(string(found[1]))
	}
	sound := wav.Sound{Rate: rate, PCM: pcm.ParseS16LE(nil, b[header:len(b)&^1])}
	return sound.At(hal.Rate), nil
}

func (l *linphone) registered() { l.stands("registered, identity") }

// stands asks until linphone says that of its registration. It may take the question
// for the password that it wants just then.
func (l *linphone) stands(what string) {
	for deadline := time.Now().Add(soon); time.Now().Before(deadline); {
		l.write("status register")
		if _, ok := l.lines.wait(300*time.Millisecond, func(line string) bool { return strings.Contains(line, what) }); ok {
			return
		}
	}
	l.s.failf("%s: not %q within %v", l, what, soon)
}

// refused waits until linphone's registration is answered with a second 401, 403 or,
// when others of this address had wrong passwords too, 503, as its trace tells.
func (l *linphone) refused() {
	l.s.eventually("refusal of the password of "+l.String(), soon, func() error {
		trace, err := os.ReadFile(filepath.Join(l.dir, "trace.log"))
		if err != nil {
			return err
		}
		text := string(trace)
		if containsAny(text, []string{"SIP/2.0 403", "SIP/2.0 503"}) || strings.Count(text, "SIP/2.0 401") > 1 {
			return nil
		}
		return fmt.Errorf("%d responses 401, no 403", strings.Count(text, "SIP/2.0 401"))
	})
	l.lines.skip()
	l.stands("registered=-1")
}

func (l *linphone) dial(to string) {
	l.lines.skip()
	l.write("call sip:" + to + "@" + officeName)
}

func (l *linphone) ringback() { l.says("ringback", soon, "Call", "ringing.") }

func (l *linphone) ringing(from string) {
	line := l.says("ringing", soon, "eceiving new incoming call from")
	if !strings.Contains(line, "sip:"+from+"@"+officeName) {
		l.s.failf("%s shows the caller as %q, want sip:%s@%s", l, line, from, officeName)
	}
}

func (l *linphone) answer()    { l.write("answer") }
func (l *linphone) reject()    { l.write("terminate") }
func (l *linphone) hangup()    { l.write("terminate") }
func (l *linphone) connected() { l.says("media of the call", soon, "Media streams established") }

// closed waits for the end of the call and returns the line that says so.
func (l *linphone) closed() string {
	line, ok := l.lines.wait(soon, func(line string) bool {
		return strings.Contains(line, "Call ") && (strings.Contains(line, " ended (") || strings.Contains(line, " error."))
	})
	if !ok {
		l.s.failf("%s: no end of the call within %v", l, soon)
	}
	return l.refusal(line)
}

// refusal adds to what linphone shows the last response to an INVITE that it had, as
// its trace tells it.
func (l *linphone) refusal(line string) string {
	trace, err := os.ReadFile(filepath.Join(l.dir, "trace.log"))
	l.s.must(err)
	last := ""
	for _, status := range statusLine.FindAllSubmatch(trace, -1) {
		if code := string(status[1][:3]); code != "401" && code != "407" {
			last = " (" + string(status[1]) + ")"
		}
	}
	return strings.TrimPrefix(line, "linphonec> ") + last
}

// recordingRate is what the trace says of the recording's samples a second, which
// depend on the codec.
var recordingRate = regexp.MustCompile(`-->MSFileRec:\S+ from rate \[\d+\] to rate \[(\d+)\]`)

var statusLine = regexp.MustCompile(`(?m)^SIP/2\.0 ([3-6][0-9][0-9] [^\r\n]*)`)

func (l *linphone) hold() {
	l.write("pause")
	l.says("end of the hold's negotiation", soon, "is now paused")
}

func (l *linphone) resume() {
	l.write("resume")
	l.says("end of the retrieval's negotiation", soon, "Media streams established")
}
func (l *linphone) transfer(to string) { l.write("transfer sip:" + to + "@" + officeName) }
