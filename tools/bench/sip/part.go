package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"chordophone/tools/bench/procs"
	"chordophone/tools/bench/report"
)

// Stages.
const (
	StageLatency   = "latency"
	StageLoad      = "load"
	StageCapacity  = "capacity"
	StageOverload  = "overload"
	StageTorture   = "torture"
	StageMalformed = "malformed"
)

// Stages are all of them, in their order.
func Stages() []string {
	return []string{StageLatency, StageLoad, StageCapacity, StageOverload, StageTorture, StageMalformed}
}

// Options say what to measure.
type Options struct {
	Phone    string // the program
	Speech   string // WAV file that the telephones' microphones hear; empty: silence
	Data     string // directory for the phones' data, on a real disk
	Keep     string // directory for captures; empty: they go with the data
	Stages   []string
	OursOnly bool
	Scale    Scale
	Seed     uint64
	Say      func(format string, args ...any)
}

// Run measures. The document holds what could be measured also when there is an
// error.
func Run(ctx context.Context, o Options) (doc report.Document, err error) {
	start := time.Now()
	doc = report.Document{
		Part: "sip", Started: start.Format(time.RFC3339), Peer: kamailio, Version: kamailioVersion(),
		Notes: []string{
			"nodes: phones that a call goes through; the peer is one server in both cases",
			fmt.Sprintf("bars made from the peer's figure of this run: for each phone of the way %g times as dear, or a rate divided by that", slack),
			fmt.Sprintf("seed %d; a figure of several rounds is their median (least-most)", o.Seed),
		},
		Detail: make(map[string]any),
	}
	withPeer := !o.OursOnly && doc.Version != ""
	if !o.OursOnly && !withPeer {
		doc.Notes = append(doc.Notes, "not run: kamailio is not installed, so nothing is beside ours (Debian: kamailio)")
	}
	if doc.Host, err = report.ThisHost(o.Data); err != nil {
		return doc, err
	}
	stages := slices.DeleteFunc(slices.Clone(o.Stages), func(s string) bool {
		need := map[string][]string{StageLatency: {"sipp", "tcpdump"}, StageLoad: {"sipp"}, StageCapacity: {"sipp"}, StageOverload: {"sipp", "tcpdump"}}
		for _, program := range need[s] {
			if _, err := exec.LookPath(program); err != nil {
				doc.Notes = append(doc.Notes, fmt.Sprintf("not run: stage %s, for want of %s (Debian: sip-tester, tcpdump)", s, program))
				return true
			}
		}
		return false
	})
	dir, err := os.MkdirTemp(o.Data, "bench-sip-")
	if err != nil {
		return doc, err
	}
	defer os.RemoveAll(dir)
	host, err := procs.NewHost()
	if err != nil {
		return doc, err
	}
	defer host.Close()
	captures := o.Keep
	if captures == "" {
		captures = filepath.Join(dir, "captures")
	}
	if err := os.MkdirAll(captures, 0o700); err != nil {
		return doc, err
	}
	c := &campaign{
		host: host, dir: captures, scale: o.Scale, seed: o.Seed, say: o.Say,
		figures: map[string]figures{}, detail: doc.Detail,
	}
	if c.sipp, err = newSipp(host, filepath.Join(dir, "sipp")); err != nil {
		return doc, err
	}
	err = errors.Join(o.traffic(ctx, c, stages, dir, withPeer), o.abuse(ctx, c, stages, dir, withPeer))
	doc.Notes = append(doc.Notes, c.notes...)
	doc.Rows = append(rowsOf(1, c.figures[one], c.figures[kamailio]), rowsOf(2, c.figures[two], c.figures[kamailio])...)
	doc.TookS = time.Since(start).Seconds()
	return doc, err
}

// traffic is all that well-behaved clients do.
func (o Options) traffic(ctx context.Context, c *campaign, stages []string, dir string, withPeer bool) error {
	any := func(s string) bool {
		return slices.Contains([]string{StageLatency, StageLoad, StageCapacity, StageOverload}, s)
	}
	if !slices.ContainsFunc(stages, any) {
		return nil
	}
	defer c.clear(ctx)
	type starter func() (*target, error)
	starters := []starter{
		func() (*target, error) {
			return startOffice(ctx, c.host, officeOptions{
				exe: o.Phone, dir: filepath.Join(dir, "one"), name: one, domain: domain,
				addrs: []netip.Addr{phoneAddr}, accounts: accounts(),
			})
		},
		func() (*target, error) {
			return startOffice(ctx, c.host, officeOptions{
				exe: o.Phone, dir: filepath.Join(dir, "two"), name: two, domain: domain,
				addrs: pairAddrs[:], accounts: accounts(), speech: o.Speech,
			})
		},
	}
	if withPeer {
		starters = append(starters, func() (*target, error) {
			return startKamailio(ctx, c.host, filepath.Join(dir, "kamailio"), domain)
		})
	}
	for _, start := range starters {
		t, err := start()
		if t != nil {
			c.targets = append(c.targets, t)
		}
		if err != nil {
			return err
		}
	}
	errs := []error{c.prepare(ctx)}
	for range o.Scale.Rounds {
		if slices.Contains(stages, StageLatency) {
			errs = append(errs, c.latency(ctx))
		}
		if slices.Contains(stages, StageLoad) {
			errs = append(errs, c.load(ctx))
		}
	}
	if slices.Contains(stages, StageCapacity) {
		errs = append(errs, c.capacity(ctx))
	}
	if slices.Contains(stages, StageOverload) {
		errs = append(errs, c.overload(ctx))
	}
	return errors.Join(errs...)
}

// abuse is what nobody should send. Each stage has servers of its own.
func (o Options) abuse(ctx context.Context, c *campaign, stages []string, dir string, withPeer bool) error {
	var errs []error
	for _, stage := range []struct {
		name, domain string
		accounts     []string
		do           func(context.Context, *target) error
	}{
		{StageTorture, tortureDomain, tortureAccounts(), c.tortured},
		{StageMalformed, domain, []string{callerUser}, c.malformed},
	} {
		if !slices.Contains(stages, stage.name) {
			continue
		}
		t, err := startOffice(ctx, c.host, officeOptions{
			exe: o.Phone, dir: filepath.Join(dir, stage.name), name: one, domain: stage.domain,
			addrs: []netip.Addr{phoneAddr}, accounts: stage.accounts,
		})
		c.targets = append(c.targets, t)
		if err == nil && withPeer {
			t, err = startKamailio(ctx, c.host, filepath.Join(dir, stage.name, kamailio), stage.domain)
			c.targets = append(c.targets, t)
		}
		if err == nil {
			err = c.each(ctx, stage.name, stage.do)
		}
		errs = append(errs, err)
		c.clear(ctx)
	}
	return errors.Join(errs...)
}

// clear ends all targets.
func (c *campaign) clear(ctx context.Context) {
	for _, t := range c.targets {
		t.kill(ctx)
	}
	c.targets = nil
}

func (c *campaign) tortured(ctx context.Context, t *target) error {
	all, err := torture(ctx, c.host, t, c.scale.Quiet)
	if err != nil {
		return err
	}
	f := c.of(t)
	for id, rfc := range map[string]string{"rfc4475": "4475", "rfc5118": "5118"} {
		right, of := score(all, rfc)
		f.add(id, float64(right))
		c.say("%s: RFC %s: %d of %d right", t.name, rfc, right, of)
	}
	for _, o := range all {
		if !o.Right || !o.Alive {
			c.say("%s: %s: status %d, alive %v", t.name, o.Name, o.Status, o.Alive)
		}
	}
	c.remember(t, StageTorture, all)
	return nil
}

func (c *campaign) malformed(ctx context.Context, t *target) error {
	r, err := robust(ctx, c.host, t, c.seed, c.scale.Malformed, "101")
	c.remember(t, StageMalformed, r)
	if err != nil {
		return err
	}
	f := c.of(t)
	f.add("malformed.cases", float64(r.Sent))
	alive := 0.0
	if r.Alive && t.alive() {
		alive = 1
	}
	f.add("malformed.alive", alive)
	f.add("malformed.growth", megabytes(r.After.RSS)-megabytes(r.Before.RSS))
	f.add("malformed.wrong", float64(r.wrong()))
	f.add("malformed.silent", float64(r.Silent))
	c.say("%s: %d malformed: answers %v, %d dropped, RSS %.1f -> %.1f MB", t.name, r.Sent, r.Answers, r.Silent,
		megabytes(r.Before.RSS), megabytes(r.After.RSS))
	return nil
}
