package audio

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"chordophone/hal"
	"chordophone/hal/pcm"
	"chordophone/hal/wav"
	"chordophone/sip/media"
)

// linphoneConfig leaves it its own choice of a codec, which is Opus. It has to be told its address
// where the machine has several.
const linphoneConfig = `[sip]
sip_port=5070
sip_tcp_port=5070
sip_tls_port=-1
use_ipv6=0
guess_hostname=1
bind_address=ADDRESS
media_encryption=none
default_proxy=0
[proxy_0]
reg_proxy=<sip:SERVER;transport=udp>
reg_identity=sip:linphone@OFFICE
reg_sendregister=0
publish=0
[rtp]
bind_address=ADDRESS
audio_rtp_port=20000-30000
audio_jitt_comp=60
[app]
[video]
enabled=0
capture=0
display=0
automatically_initiate=0
automatically_accept=0
`

// linphone is a call from linphonec, which reads what it says from a file, to our second phone.
// When it says it nobody can tell, so its delay is not measured.
func (c *campaign) linphone(ctx context.Context, l Link, seed uint64, part time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, part+2*callTime)
	defer cancel()
	dir, err := os.MkdirTemp(c.dir, "linphone-")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, ".local/share/linphone"), 0o700); err != nil {
		return err
	}
	speech := filepath.Join(dir, "said.wav")
	w, err := wav.Create(speech, jackRate)
	if err != nil {
		return err
	}
	err = w.Write(pcm.Resample(c.say(part+20*time.Second, 0), hal.Rate, jackRate))
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	rc := filepath.Join(dir, "rc")
	if err := os.WriteFile(rc, []byte(strings.NewReplacer("ADDRESS", linphoneAddress, "SERVER", ourAddress(1), "OFFICE", domain).Replace(linphoneConfig)), 0o600); err != nil {
		return err
	}
	c.net.set(l, seed)
	defer c.net.set(Links()[0], 0)
	phone := c.phones[1]
	phone.Forget()
	args := append(c.urgent[:len(c.urgent):len(c.urgent)], "linphonec", "-S", "-c", rc)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir)
	p, err := c.net.sides[0].Start(cmd, func(string) {})
	if err != nil {
		return err
	}
	defer p.Wait(ctx)
	defer p.Kill()
	for _, line := range []string{"soundcard use files", "play said.wav", "record heard.wav", "call sip:102@" + ourAddress(1)} {
		if err := p.WriteLine(line); err != nil {
			return err
		}
		time.Sleep(time.Second / 5)
	}
	if err := phone.Answer(ctx); err != nil {
		return err
	}
	if c.urgent != nil {
		if err := hurry(true); err != nil {
			return err
		}
		defer hurry(false)
	}
	time.Sleep(settle)
	o := &our{phone: phone, speech: nil}
	if _, err := o.begin(ctx); err != nil {
		return err
	}
	time.Sleep(part + longest + time.Second/2)
	heard, _, err := o.end(ctx)
	if err != nil {
		return err
	}
	fate := c.net.set(Links()[0], seed)[0]
	hurry(false)
	p.WriteLine("terminate")
	made, err := o.hangUp(ctx)
	if err != nil {
		return err
	}
	// What it said is periodic: find where it was when the recording began, and say that
	// it was heard a tenth of a second later.
	period := c.speech
	begin := phase(period, heard)
	said := make([]int16, samples(part))
	for i := range said {
		said[i] = period[(i+begin+samples(time.Second/10))%len(period)]
	}
	pieces := locate(said, heard, longest)
	s := stream{Link: l.Name, From: linphoneName, To: ours, Seed: seed, Delay: -1, Concealed: made, Pieces: len(pieces)}
	if len(pieces) == 0 {
		return fmt.Errorf("audio: of %d packets nothing is heard again, only a peak of %d", fate.Packets, peak(heard))
	}
	if fate.Packets > 0 {
		s.Lost = 100 * float64(fate.Lost) / float64(fate.Packets)
	}
	s.Clear, s.Silent = judge(said, heard, pieces, part)
	s.MOS = opinion(made, l, 0)
	return c.measured([2]stream{s}, [2]float64{}, nil)
}

// phase is where in a sound that comes again and again another begins.
func phase(period, heard []int16) int {
	const coarse = 4
	n := samples(2 * time.Second)
	from, best := 0, 0.0
	for at := 0; at+n <= len(heard); at += n / 4 {
		if p := power(heard[at : at+n]); p > best {
			from, best = at, p
		}
	}
	twice := append(append([]int16(nil), period...), period...)
	at, _ := fit(thin(heard[from:from+n], coarse), thin(twice, coarse))
	return ((at*coarse-from)%len(period) + len(period)) % len(period)
}

func samplesTime(n int) time.Duration { return time.Duration(n) * time.Second / hal.Rate }

// opinion is the E-model's of so many percent lost on a link. It knows no more than two
// digits.
func opinion(percent float64, l Link, late time.Duration) float64 {
	m := media.Opinion(media.Rating(percent/100, max(1, l.Burst), late))
	return float64(int(100*m+0.5)) / 100
}
