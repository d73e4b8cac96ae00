// Bench measures this project beside programs that others wrote, in one run on
// one machine, and says for each figure whether it reaches its bar:
//
//	go run ./tools/bench --part dht --out build/bench.json
//	go run ./tools/bench --part dht --short                      # to see that it works
//	go run ./tools/bench --stages put,idle --nodes 20 --peers ours --tally
//
// The exit code is 0 when everything was measured, whatever the verdicts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"chordophone/tools/bench/dht"
	"chordophone/tools/bench/ringnode"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c struct {
		Run  runCmd  `cmd:"" default:"withargs" help:"Measure."`
		Node nodeCmd `cmd:"" hidden:"" help:"Be one node of the ring, driven by lines on standard input."`
	}
	k := kong.Parse(&c, kong.Description("Measure this project beside other programs."), kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// runCmd is the measurement.
type runCmd struct {
	Part   string   `help:"What to measure: dht." enum:"dht" default:"dht"`
	Out    string   `help:"File for the figures as JSON." type:"path" placeholder:"FILE"`
	Short  bool     `help:"A small and quick run: shows that it works, the figures mean little."`
	Nodes  []int    `help:"Sizes of the networks (default 20,50; short: 10)."`
	Stages []string `help:"Stages to run (default all): cold, put, get, idle, silent, kill20, kill50, cycle, stores."`
	Peers  []string `help:"Programs to measure: ours,opendht or ours." default:"ours,opendht"`
	Seed   uint64   `help:"Chooses who reads and who is killed." default:"1"`
	Data   string   `help:"Directory for the nodes' data; it should be on a real disk (default: that for temporary files)." type:"existingdir"`
	Tally  bool     `help:"Count messages by kind, into the JSON; costs a little time."`
	Quiet  bool     `help:"Say nothing on the way." short:"q"`
}

func (r *runCmd) Run(ctx context.Context) error {
	o, err := r.options()
	if err != nil {
		return err
	}
	doc, err := dht.Run(ctx, o)
	if errors.Is(err, dht.ErrNoOpenDHT) {
		return err
	}
	if r.Short {
		doc.Notes = append(doc.Notes, "a short run: its figures mean little")
	}
	if r.Out != "" {
		if werr := writeFile(r.Out, doc.WriteJSON); werr != nil {
			err = errors.Join(err, werr)
		}
	}
	return errors.Join(doc.WriteTable(os.Stdout), err)
}

func (r *runCmd) options() (o dht.Options, err error) {
	o = dht.Options{
		Nodes: r.Nodes, Stages: r.Stages, OursOnly: !slices.Contains(r.Peers, "opendht"),
		Scale: dht.Full(), Seed: r.Seed, Tally: r.Tally, Data: r.Data,
		Say: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) },
	}
	if r.Quiet {
		o.Say = func(string, ...any) {}
	}
	if o.Data == "" {
		o.Data = os.TempDir()
	}
	if r.Short {
		o.Scale = dht.Short()
	}
	if len(o.Nodes) == 0 && r.Short {
		o.Nodes = []int{10}
	} else if len(o.Nodes) == 0 {
		o.Nodes = []int{20, 50}
	}
	if len(o.Stages) == 0 {
		o.Stages = dht.Stages()
	}
	for _, s := range o.Stages {
		if !slices.Contains(dht.Stages(), s) {
			return o, fmt.Errorf("stage %q: want some of %s", s, strings.Join(dht.Stages(), ","))
		}
	}
	for _, p := range r.Peers {
		if p != "ours" && p != "opendht" {
			return o, fmt.Errorf("peer %q: want ours,opendht or ours", p)
		}
	}
	for _, n := range o.Nodes {
		if n < 5 || n > 250 {
			return o, fmt.Errorf("%d nodes: want 5 to 250", n)
		}
	}
	o.Exe, err = os.Executable()
	return o, err
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// nodeCmd is one node of our ring.
type nodeCmd struct {
	Data   string   `required:"" type:"existingdir"`
	Listen string   `required:"" placeholder:"IP:PORT"`
	Known  []string `placeholder:"IP:PORT,..."`
	Tally  bool
}

func (n *nodeCmd) Run(ctx context.Context) error {
	cfg := ringnode.Config{
		Data: n.Data, Tally: n.Tally,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	var err error
	if cfg.Listen, err = netip.ParseAddrPort(n.Listen); err != nil {
		return err
	}
	for _, s := range n.Known {
		a, err := netip.ParseAddrPort(s)
		if err != nil {
			return err
		}
		cfg.Known = append(cfg.Known, a)
	}
	return ringnode.Run(ctx, cfg, os.Stdin, os.Stdout)
}
