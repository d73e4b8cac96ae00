package audio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chordophone/hal"
	"chordophone/hal/wav"
	"chordophone/tools/bench/procs"
	"chordophone/tools/bench/report"
)

// Stages.
const (
	StagePairs    = "pairs"    // ours -> ours, beside baresip -> baresip
	StageMixed    = "mixed"    // ours <-> baresip
	StageLinphone = "linphone" // linphone -> ours
	StageRecover  = "recover"  // the delay when a link has become clean
)

// Stages are all of them, in their order.
func Stages() []string { return []string{StagePairs, StageMixed, StageLinphone, StageRecover} }

// Names of the programs.
const (
	ours         = "ours"
	quick        = "ours, packets of 10 ms"
	baresipName  = "baresip"
	linphoneName = "linphone"
)

// Scale is how much is measured.
type Scale struct {
	Rounds int           // of calls over each link; each gives two streams
	Part   time.Duration // of speech over the link
}

// Full and Short are the two scales.
func Full() Scale  { return Scale{Rounds: 3, Part: 8 * time.Second} }
func Short() Scale { return Scale{Rounds: 1, Part: 5 * time.Second} }

// Options say what to measure.
type Options struct {
	Phone    string // the program
	Speech   string // WAV file
	Data     string // directory for the phones' data
	Stages   []string
	OursOnly bool
	Scale    Scale
	Seed     uint64
	Say      func(format string, args ...any)
}

// Addresses: of our phones, which are at both sides in turn, and of the peers.
func ourAddress(i int) string     { return fmt.Sprintf("10.77.0.%d", 11+i) }
func peerAddress(side int) string { return fmt.Sprintf("10.77.0.%d", 21+side) }

const linphoneAddress = "10.77.0.31" // on the first side

// campaign measures.
type campaign struct {
	o       Options
	net     *network
	dir     string
	log     string   // of our phones
	urgent  []string // how programs are run
	phones  [4]*phone
	peers   [2]*baresip
	card    *soundCard
	speech  []int16
	streams []stream
	cpu     map[string][]float64
}

// Run measures. The document holds what could be measured also when there is an
// error.
func Run(ctx context.Context, o Options) (doc report.Document, err error) {
	start := time.Now()
	doc = report.Document{
		Part: "audio", Started: start.Format(time.RFC3339), Peer: baresipName, Version: baresipVersion(),
		Notes: []string{
			"one-way, mouth to ear, all buffers but no converters; ours: G.722, its own choice; baresip: PCMU, jitter_buffer_delay 5-10, plc; linphone: Opus, its own choice",
			"ESTOI: of what the mouth said, at 16 kHz; ours passes when it is not more than 0.005 below the peer's",
			"E-model: residual loss as the hearer tells it (ours), or what the link has lost (baresip, which tells nothing); Bpl 25.1",
		},
		Detail: make(map[string]any),
	}
	withPeer := !o.OursOnly && doc.Version != ""
	for _, need := range []string{"baresip", "jackd", "cc", "ip"} {
		if _, err := exec.LookPath(need); err != nil && (withPeer || need == "ip") {
			doc.Notes = append(doc.Notes, fmt.Sprintf("not run: the peer, for want of %s (Debian: baresip-core, jackd2, gcc, iproute2)", need))
			withPeer = false
		}
	}
	if doc.Host, err = report.ThisHost(o.Data); err != nil {
		return doc, err
	}
	c := &campaign{o: o, cpu: make(map[string][]float64)}
	said, err := wav.ReadFile(o.Speech)
	if err != nil {
		return doc, err
	}
	c.speech = said.At(hal.Rate)
	dir, err := os.MkdirTemp(o.Data, "bench-audio-")
	if err != nil {
		return doc, err
	}
	defer os.RemoveAll(dir)
	c.dir, c.log = dir, filepath.Join(dir, "log")
	c.net, err = newNetwork(ctx, [2][]string{
		{ourAddress(0) + "/24", ourAddress(2) + "/24", peerAddress(0) + "/24", linphoneAddress + "/24"},
		{ourAddress(1) + "/24", ourAddress(3) + "/24", peerAddress(1) + "/24"},
	})
	if err != nil {
		return doc, err
	}
	defer c.net.close()
	if c.urgent = urgently(); c.urgent == nil {
		doc.Notes = append(doc.Notes, "without real-time priority: delays depend on what else the machine does")
	}
	c.phones, err = startOffice(ctx, c.net, o.Phone, dir, c.log, c.urgent)
	for _, p := range c.phones {
		if p != nil && p.handset != nil {
			defer p.handset.close()
		}
	}
	if err != nil {
		return doc, err
	}
	if withPeer {
		if c.card, err = newSoundCard(ctx, c.net.sides[0], dir); err != nil {
			return doc, err
		}
		defer c.card.close()
		for i, name := range []string{"alice", "bob"} {
			if c.peers[i], err = startBaresip(ctx, c.net.sides[i], c.card, dir, name, peerAddress(i), c.urgent); err != nil {
				return doc, err
			}
		}
	}
	err = c.all(ctx, withPeer)
	doc.Rows = rowsOf(c.streams, c.cpu, withPeer)
	doc.Detail["streams"] = c.streams
	doc.TookS = time.Since(start).Seconds()
	return doc, err
}

// all goes through the links, the programs in turn. A call that fails is reported and the
// rest goes on.
func (c *campaign) all(ctx context.Context, withPeer bool) error {
	var errs []error
	try := func(what string, do func() error) {
		if ctx.Err() != nil {
			return
		}
		if err := do(); err != nil {
			errs = append(errs, procs.Explain(fmt.Errorf("%s: %w", what, err), c.log))
			c.o.Say("%s: %v", what, err)
		}
	}
	_, err := exec.LookPath("linphonec")
	withLinphone := err == nil && !c.o.OursOnly
	seed := c.o.Seed * 1000
	does := func(stage string) bool { return slices.Contains(c.o.Stages, stage) }
	for range c.o.Scale.Rounds {
		for _, l := range Links() {
			seed++
			part := c.o.Scale.Part
			if does(StagePairs) {
				try("ours -> ours, "+l.Name, func() error { return c.ours(ctx, c.phones[:2], l, seed, part, part) })
				if l == Links()[0] {
					try(quick+", "+l.Name, func() error { return c.ours(ctx, c.phones[2:], l, seed, part, part) })
				}
				if withPeer {
					try("baresip -> baresip, "+l.Name, func() error { return c.baresips(ctx, l, seed, part, part) })
				}
			}
			// Such a call gives one stream of a kind, where one between the same gives two.
			for half := range uint64(2) {
				again := seed + half*seedsOfHalf
				if does(StageMixed) && withPeer {
					try("baresip <-> ours, "+l.Name, func() error { return c.mixed(ctx, l, again, part) })
				}
				if does(StageLinphone) && withLinphone {
					try("linphone -> ours, "+l.Name, func() error { return c.linphone(ctx, l, again, part) })
				}
			}
		}
	}
	if does(StageRecover) {
		for _, l := range Links()[1:] {
			seed++
			part := c.o.Scale.Part
			whole := part + 13*time.Second
			try("ours -> ours, after "+l.Name, func() error { return c.ours(ctx, c.phones[:2], l, seed, part, whole) })
			if withPeer {
				try("baresip -> baresip, after "+l.Name, func() error { return c.baresips(ctx, l, seed, part, whole) })
			}
		}
	}
	if ctx.Err() != nil {
		errs = append(errs, ctx.Err())
	}
	return errors.Join(errs...)
}

// say is so much of the speech, over and over, not from its beginning: at both ends of a call
// something else is said.
func (c *campaign) say(d time.Duration, from int) []int16 {
	out := make([]int16, 0, samples(d))
	for i := from; len(out) < cap(out); i++ {
		out = append(out, c.speech[i%len(c.speech)])
	}
	return out
}

// callTime is the longest that it may take to make a call or to end one.
const callTime = 20 * time.Second

// seedsOfHalf is how far apart the seeds of two calls in one round are.
const seedsOfHalf = 500

// ours is a call between two of our phones.
func (c *campaign) ours(ctx context.Context, phones []*phone, l Link, seed uint64, part, whole time.Duration) error {
	c.net.set(l, seed)
	defer c.net.set(Links()[0], 0)
	ctx, cancel := context.WithTimeout(ctx, whole+2*callTime)
	defer cancel()
	a, b := phones[0], phones[1]
	a.Forget()
	b.Forget()
	if err := a.Dial(b.number); err != nil {
		return err
	}
	if err := b.Answer(ctx); err != nil {
		return err
	}
	if err := a.Connected(ctx); err != nil {
		return err
	}
	return c.measured(c.converse(ctx, l, seed, part,
		&our{phone: a, speech: c.say(whole, 0)}, &our{phone: b, speech: c.say(whole, len(c.speech)/2)}))
}

// baresips is a call between the peers.
func (c *campaign) baresips(ctx context.Context, l Link, seed uint64, part, whole time.Duration) error {
	c.net.set(l, seed)
	defer c.net.set(Links()[0], 0)
	ctx, cancel := context.WithTimeout(ctx, whole+2*callTime)
	defer cancel()
	a := &peer{baresip: c.peers[0], card: c.card, speech: c.say(whole, 0)}
	b := &peer{baresip: c.peers[1], card: c.card, speech: c.say(whole, len(c.speech)/2)}
	if err := c.dial(ctx, "sip:bob@"+peerAddress(1)); err != nil {
		return err
	}
	for _, p := range []*peer{a, b} {
		if err := p.attach(ctx); err != nil {
			p.do("hangup", "")
			return err
		}
	}
	err := c.measured(c.converse(ctx, l, seed, part, a, b))
	time.Sleep(time.Second / 2) // both have hung up
	return err
}

// mixed is a call from the peer to our second phone.
func (c *campaign) mixed(ctx context.Context, l Link, seed uint64, part time.Duration) error {
	c.net.set(l, seed)
	defer c.net.set(Links()[0], 0)
	ctx, cancel := context.WithTimeout(ctx, part+2*callTime)
	defer cancel()
	phone := c.phones[1]
	phone.Forget()
	answered := make(chan error, 1)
	go func() { answered <- phone.Answer(ctx) }()
	err := errors.Join(c.dial(ctx, "sip:102@"+ourAddress(1)), <-answered)
	if err != nil {
		return err
	}
	a := &peer{baresip: c.peers[0], card: c.card, speech: c.say(part, 0)}
	if err := a.attach(ctx); err != nil {
		return err
	}
	return c.measured(c.converse(ctx, l, seed, part, &our{phone: phone, speech: c.say(part, len(c.speech)/2)}, a))
}

// dial lets the first peer call.
func (c *campaign) dial(ctx context.Context, uri string) error {
	for _, p := range c.peers {
		p.forget()
	}
	if err := c.peers[0].do("dial", uri); err != nil {
		return err
	}
	return c.peers[0].wait(ctx, "CALL_ESTABLISHED")
}

// measured keeps what a call was measured to be.
func (c *campaign) measured(streams [2]stream, cpu [2]float64, err error) error {
	if err != nil {
		return err
	}
	for i, s := range streams {
		if s.From == "" {
			continue
		}
		c.streams = append(c.streams, s)
		if s.From == s.To {
			c.cpu[s.From] = append(c.cpu[s.From], cpu[i])
		}
		c.o.Say("%s -> %s, %s: mouth to ear %.0f ms, ESTOI %.3f, MOS %.2f, lost %.1f %%, concealed %.1f %%, silent %.1f %%, after %.0f ms, CPU %.1f %%",
			s.From, s.To, s.Link, s.Delay, s.Clear, s.MOS, s.Lost, s.Concealed, s.Silent, s.Back, cpu[i])
	}
	return nil
}

// baresipVersion is "" when it is not installed.
func baresipVersion() string {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", "baresip-core").Output()
	if err == nil {
		return strings.TrimSpace(string(out))
	}
	if path, err := exec.LookPath("baresip"); err == nil {
		return filepath.Base(path)
	}
	return ""
}
