package dht

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"chordophone/tools/bench/report"
)

// storesNodes is the size of the office whose owners are killed.
const storesNodes = 12

// Options say what to measure.
type Options struct {
	Exe      string // this program, which has the command node
	Data     string // directory for the nodes' data, on a real disk
	Nodes    []int
	Stages   []string
	OursOnly bool
	Scale    Scale
	Seed     uint64
	Tally    bool // count messages by kind
	Say      func(format string, args ...any)
}

// Run measures. The document holds what could be measured also when there is an
// error. The error is ErrNoOpenDHT when there is nothing to compare with.
func Run(ctx context.Context, o Options) (report.Document, error) {
	start := time.Now()
	doc := report.Document{
		Part: "dht", Started: start.Format(time.RFC3339), Peer: "OpenDHT",
		Notes: []string{
			"octets per operation: sent by all nodes together, idle traffic subtracted; frames are RELOAD's, without TLS and TCP",
		},
		Detail: make(map[string]any),
	}
	var peer *openDHT
	if !o.OursOnly {
		var err error
		if peer, err = newOpenDHT(); err != nil {
			return doc, err
		}
		doc.Version = openDHTVersion()
		doc.Notes = append(doc.Notes,
			"OpenDHT "+doc.Version+" shows nobody its view: it counts as one network when all nodes find what the first has put")
	}
	var err error
	if doc.Host, err = report.ThisHost(o.Data); err != nil {
		return doc, err
	}

	var errs []error
	stagesOfBoth := slices.DeleteFunc(slices.Clone(o.Stages), func(s string) bool { return s == StageStores })
	for _, n := range o.Nodes {
		if len(stagesOfBoth) == 0 {
			break
		}
		var figures, others Figures
		figures, err = o.ours(ctx, &doc, n, (*campaign).run)
		errs = append(errs, err)
		if peer != nil && ctx.Err() == nil {
			others, err = o.measure(ctx, &doc, peer, n, (*campaign).run)
			errs = append(errs, err)
		}
		doc.Rows = append(doc.Rows, rowsOf(n, figures, others)...)
	}
	if slices.Contains(o.Stages, StageStores) && ctx.Err() == nil {
		figures, err := o.ours(ctx, &doc, storesNodes, func(c *campaign, ctx context.Context) error {
			if err := c.cold(ctx); err != nil {
				return err
			}
			_, err := c.stores(ctx)
			return err
		})
		errs = append(errs, err)
		doc.Rows = append(doc.Rows, rowsOf(storesNodes, figures, nil)...)
	}
	doc.TookS = time.Since(start).Seconds()
	return doc, errors.Join(errs...)
}

// ours measures our ring of n nodes.
func (o Options) ours(ctx context.Context, doc *report.Document, n int, stages func(*campaign, context.Context) error) (Figures, error) {
	dir, err := os.MkdirTemp(o.Data, "bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	prog, err := newChordophone(ctx, o.Exe, dir, firstAddr(), n, o.Tally)
	if err != nil {
		return nil, err
	}
	figures, err := o.measure(ctx, doc, prog, n, stages)
	if err != nil {
		err = fmt.Errorf("%w%s", err, lastLog(prog))
	}
	return figures, err
}

// measure takes a network of n nodes of a program through stages.
func (o Options) measure(ctx context.Context, doc *report.Document, prog program, n int, stages func(*campaign, context.Context) error) (Figures, error) {
	net, err := newNetwork(prog, n, rand.New(rand.NewPCG(o.Seed, uint64(n))))
	if err != nil {
		return nil, err
	}
	defer net.close()
	if !net.host.Private {
		doc.Notes = append(doc.Notes, "no network namespace (not root): octets with IP are not measured")
	}
	c := &campaign{net: net, scale: o.Scale, stages: o.Stages, say: o.Say, figures: make(Figures), detail: make(map[string]any)}
	err = stages(c, ctx)
	doc.Notes = append(doc.Notes, c.notes...)
	c.detail["figures"] = c.figures
	doc.Detail[fmt.Sprintf("%s, %d nodes", prog.name(), n)] = c.detail
	return c.figures, err
}

// firstAddr is the first phone's. Where the loopback interface is shared, other
// measurements use other addresses.
func firstAddr() netip.Addr {
	pid := os.Getpid()
	return netip.AddrFrom4([4]byte{127, byte(64 + pid%128), byte(pid / 128 % 250), 11})
}

// lastLog is what the node whose log changed last said at the end.
func lastLog(c *chordophone) string {
	var last string
	var at time.Time
	for _, dir := range c.dirs {
		path := filepath.Join(dir, "log")
		if info, err := os.Stat(path); err == nil && info.Size() > 0 && info.ModTime().After(at) {
			last, at = path, info.ModTime()
		}
	}
	text, err := os.ReadFile(last)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("\n%s: %s", filepath.Base(filepath.Dir(last)), text[max(0, len(text)-1000):])
}
