//go:build interop

package interop

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"chordophone/hal"
	"chordophone/hal/wav"
)

// phoneEvent is one line of a phone's script interface.
type phoneEvent struct {
	Event  string            `json:"event"`
	Ext    string            `json:"extension"`
	Tone   string            `json:"tone"`
	On     bool              `json:"on"`
	From   string            `json:"from"`
	State  string            `json:"state"`
	Peer   string            `json:"peer"`
	Cause  string            `json:"cause"`
	Status int               `json:"status"`
	Lines  []string          `json:"lines"`
	Lamps  map[string]string `json:"lamps"`
}

// phone is one of ours: a server of the office and a telephone.
type phone struct {
	*process
	host   *host
	ext    string
	dir    string
	speaks *voice
	events *feed[phoneEvent]
	code   string // with which others join through it
	args   []string
}

// phones is an office of ours.
type phones struct {
	base int // the phone that is this trial's server 0
	dir  string
	all  []*phone
	used []chan struct{} // one token while nobody uses the telephone
}

// startPhones founds an office with accounts and enrols further phones in it.
func startPhones(hosts []*host, dir string, accounts []string) (*phones, error) {
	o := &phones{dir: dir}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for i, h := range hosts {
		p := o.enrol(h)
		if i == 0 {
			p.args = []string{"--pairing-code", p.code, "--found", officeName}
			for _, a := range accounts {
				p.args = append(p.args, "--account", a+":secret"+a)
			}
		}
		if err := p.start(dir); err != nil {
			o.stop()
			return nil, err
		}
	}
	for _, p := range o.all {
		if err := p.knows(accounts[len(accounts)-1]); err != nil {
			o.stop()
			return nil, err
		}
	}
	return o, nil
}

// enrol adds a phone, not yet started, that joins through the one before it.
func (o *phones) enrol(h *host) *phone {
	i := len(o.all)
	p := &phone{
		host: h, ext: fmt.Sprint(101 + i), speaks: voices[i%len(voices)],
		code: fmt.Sprintf("%06d", 271828+i),
	}
	p.dir = filepath.Join(o.dir, p.ext)
	p.args = []string{"--pairing-code", p.code}
	if i > 0 {
		p.args = append(p.args, "--join", o.all[i-1].code, "--peer", o.all[i-1].host.address)
	}
	token := make(chan struct{}, 1)
	token <- struct{}{}
	o.all, o.used = append(o.all, p), append(o.used, token)
	return p
}

// knows waits until the phone has heard of an account.
func (p *phone) knows(account string) error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(1200 * time.Millisecond) {
		out, err := p.host.command("sipsak", "-U", "-i", "-vv", "-x", "60", "-u", account, "-a", "secret"+account, "-C", "empty",
			"-p", p.host.address, "-s", "sip:"+account+"@"+officeName).CombinedOutput()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("phone %s does not know the account %s 10 s after it was ready: %s", p.ext, account, out)
		}
	}
}

// start runs the phone until it is ready.
func (p *phone) start(dir string) error {
	p.events = newFeed[phoneEvent]()
	args := append([]string{
		"run", "--data", p.dir, "--listen", p.host.address, "--board", "pipe", "--no-discovery", "--dns-port", "0",
		"--mic", p.speaks.wav16, "--ear", p.ear(), "--log-level", "debug",
	}, p.args...)
	var err error
	p.process, err = start("phone "+p.ext, p.host.command(program, args...), filepath.Join(dir, p.ext+".log"), func(line []byte) {
		var e phoneEvent
		if json.Unmarshal(line, &e) == nil {
			p.events.put(e)
		}
	})
	if err != nil {
		return err
	}
	events, ended := p.events, p.ended
	go func() { <-ended; events.end() }()
	e, ok := p.events.wait(20*time.Second, func(e phoneEvent) bool { return e.Event == "ready" })
	if !ok {
		p.kill()
		return fmt.Errorf("phone %s is not ready within 20 s\n%s", p.ext, p.tail(12))
	}
	if e.Ext != p.ext {
		return fmt.Errorf("phone %s was given number %s", p.ext, e.Ext)
	}
	return nil
}

func (p *phone) ear() string { return p.dir + ".wav" }

func (o *phones) name() string    { return "chordophone" }
func (o *phones) at(i int) string { return o.all[(o.base+i)%len(o.all)].host.address }

// from is the same office, counted from another phone, so that trials spread.
func (o *phones) from(base int) *phones {
	view := *o
	view.base = base
	return &view
}

func (o *phones) words(users []string) string {
	var all []string
	for _, p := range o.all {
		if p.process != nil {
			all = append(all, p.tail(12, users...))
		}
	}
	return strings.Join(all, "\n")
}

func (o *phones) stop() {
	for _, p := range o.all {
		if p.process != nil {
			p.stop()
		}
	}
}

// handset is the telephone of one of our phones, used by one trial.
type handset struct {
	s *scene
	*phone
}

// handset leases the telephone of the office's phone i.
func (s *scene) handset(i int) *handset {
	o, ok := s.office.(*phones)
	if !ok {
		s.failf("%s has no telephone", s.name())
	}
	i = (o.base + i) % len(o.all)
	select {
	case <-o.used[i]:
	case <-time.After(90 * time.Second):
		s.failf("phone %s was in use by other trials for 90 s", o.all[i].ext)
	}
	h := &handset{s: s, phone: o.all[i]}
	h.events.skip()
	s.users = append(s.users, h.ext)
	s.undo = append(s.undo, func() {
		h.write("on")
		time.Sleep(200 * time.Millisecond)
		o.used[i] <- struct{}{}
	})
	return h
}

func (h *handset) String() string { return "phone " + h.ext }
func (h *handset) number() string { return h.ext }
func (h *handset) voice() *voice  { return h.speaks }

// expect waits for an event.
func (h *handset) expect(what string, within time.Duration, is func(phoneEvent) bool) phoneEvent {
	e, ok := h.events.wait(within, is)
	if !ok {
		h.s.failf("%s: no %s within %v", h, what, within)
	}
	return e
}

func tone(name string) func(phoneEvent) bool {
	return func(e phoneEvent) bool { return e.Event == "tone" && e.Tone == name }
}

func state(name string) func(phoneEvent) bool {
	return func(e phoneEvent) bool { return e.Event == "call" && e.State == name }
}

func (h *handset) registered() {}

func (h *handset) dial(to string) {
	h.events.skip()
	h.write("off")
	h.expect("dial tone", soon, tone("dial"))
	h.write("keys " + to + "#")
}

func (h *handset) ringback() { h.expect("ringback tone", soon, tone("ringback")) }

func (h *handset) ringing(from string) {
	e := h.expect("ringing", soon, func(e phoneEvent) bool { return e.Event == "ring" && e.On })
	if e.From != from {
		h.s.failf("%s shows the caller as %q, want %s", h, e.From, from)
	}
}

func (h *handset) answer()    { h.write("off") }
func (h *handset) hangup()    { h.write("on") }
func (h *handset) connected() { h.expect("connection", soon, state("connected")) }

// closed waits for the end of the call and returns its status and cause.
func (h *handset) closed() string {
	e := h.expect("end of the call", soon, state("ended"))
	h.write("on")
	return fmt.Sprintf("%d %s", e.Status, e.Cause)
}

// heard is what its earpiece gave out.
func (h *handset) heard() ([]int16, error) {
	sound, err := wav.ReadFile(h.ear())
	return sound.At(hal.Rate), err
}
