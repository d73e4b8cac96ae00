// Bench measures this project beside programs that others wrote, in one run on
// one machine, and says for each figure whether it reaches its bar:
//
//	go run ./tools/bench --part dht --out build/bench.json
//	go run ./tools/bench --part dht --short                      # to see that it works
//	go run ./tools/bench --stages put,idle --nodes 20 --peers ours --tally
//	go run ./tools/bench --part sip --phone build/chordophone --out build/bench-sip.json
//	go run ./tools/bench --part audio --phone build/chordophone --speech firmware/demo/speech.wav
//	go run ./tools/bench --part insn
//
// The exit code of part dht is 0 when everything was measured, whatever the verdicts;
// those of the others are 1 also when a bar was missed.
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
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"chordophone/tools/bench/audio"
	"chordophone/tools/bench/dht"
	"chordophone/tools/bench/insn"
	"chordophone/tools/bench/report"
	"chordophone/tools/bench/ringnode"
	"chordophone/tools/bench/sip"
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
	Part   string   `help:"What to measure: dht, sip, audio or insn (arm64 instructions for a packet of sound)." enum:"dht,sip,audio,insn" default:"dht"`
	Out    string   `help:"File for the figures as JSON." type:"path" placeholder:"FILE"`
	Short  bool     `help:"A small and quick run: shows that it works, the figures mean little."`
	Nodes  []int    `help:"dht: sizes of the networks (default 20,50; short: 10)."`
	Stages []string `help:"Stages to run (default all). dht: cold, put, get, idle, silent, kill20, kill50, cycle, stores. sip: latency, load, capacity, overload, torture, malformed. audio: pairs, mixed, linphone, recover."`
	Peers  []string `help:"Programs to measure: ours, and dht: opendht, sip: kamailio, audio: baresip (default both)."`
	Seed   uint64   `help:"Chooses who reads and who is killed, which malformed requests are sent, or which packets are lost." default:"1"`
	Data   string   `help:"Directory for the nodes' data; it should be on a real disk (default: that for temporary files)." type:"existingdir"`
	Tally  bool     `help:"dht: count messages by kind, into the JSON; costs a little time."`
	Phone  string   `help:"sip, audio: the telephone's program (default: chordophone beside this program)." type:"path" placeholder:"FILE"`
	Speech string   `help:"sip, audio: what is spoken into the telephones: a WAV file (sip: default nothing)." type:"existingfile" placeholder:"FILE"`
	Keep   string   `help:"sip: directory for the captures that times are taken from (default: they are not kept)." type:"path" placeholder:"DIR"`
	Rounds int      `help:"sip: rounds of latency and load; audio: calls over each link, of two streams (default 3; short: 1)."`
	Quiet  bool     `help:"Say nothing on the way." short:"q"`
}

func (r *runCmd) Run(ctx context.Context) error {
	var (
		doc    report.Document
		err    error
		missed error
	)
	switch r.Part {
	case "sip":
		o, oerr := r.sipOptions()
		if oerr != nil {
			return oerr
		}
		doc, err = sip.Run(ctx, o)
		if n := doc.Count(report.Miss); n > 0 {
			missed = fmt.Errorf("%d bars missed", n)
		}
	case "audio":
		o, oerr := r.audioOptions()
		if oerr != nil {
			return oerr
		}
		doc, err = audio.Run(ctx, o)
		if n := doc.Count(report.Miss); n > 0 {
			missed = fmt.Errorf("%d bars missed", n)
		}
	case "insn":
		o := insn.Options{Data: r.dataDir(), Packets: insn.Full, Say: r.say()}
		if r.Short {
			o.Packets = insn.Short
		}
		doc, err = insn.Run(ctx, o)
	default:
		o, oerr := r.options()
		if oerr != nil {
			return oerr
		}
		doc, err = dht.Run(ctx, o)
		if errors.Is(err, dht.ErrNoOpenDHT) {
			return err
		}
	}
	if r.Short {
		doc.Notes = append(doc.Notes, "a short run: its figures mean little")
	}
	if r.Out != "" {
		if werr := writeFile(r.Out, doc.WriteJSON); werr != nil {
			err = errors.Join(err, werr)
		}
	}
	return errors.Join(doc.WriteTable(os.Stdout), err, missed)
}

// say tells what goes on.
func (r *runCmd) say() func(string, ...any) {
	if r.Quiet {
		return func(string, ...any) {}
	}
	return func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
}

// dataDir is where nodes keep what they keep.
func (r *runCmd) dataDir() string {
	if r.Data == "" {
		return os.TempDir()
	}
	return r.Data
}

// choose holds stages and peers to what a part has. No peers is all of them.
func (r *runCmd) choose(all []string, peer string) (stages []string, oursOnly bool, err error) {
	stages = r.Stages
	if len(stages) == 0 {
		stages = all
	}
	for _, s := range stages {
		if !slices.Contains(all, s) {
			return nil, false, fmt.Errorf("stage %q: want some of %s", s, strings.Join(all, ","))
		}
	}
	for _, p := range r.Peers {
		if p != "ours" && p != peer {
			return nil, false, fmt.Errorf("peer %q: want ours,%s or ours", p, peer)
		}
	}
	return stages, len(r.Peers) > 0 && !slices.Contains(r.Peers, peer), nil
}

func (r *runCmd) sipOptions() (o sip.Options, err error) {
	o = sip.Options{
		Phone: r.Phone, Speech: r.Speech, Data: r.dataDir(), Keep: r.Keep,
		Scale: sip.Full(), Seed: r.Seed, Say: r.say(),
	}
	if r.Short {
		o.Scale = sip.Short()
	}
	if r.Rounds > 0 {
		o.Scale.Rounds = r.Rounds
	}
	if o.Phone, err = r.phone(); err != nil {
		return o, err
	}
	o.Stages, o.OursOnly, err = r.choose(sip.Stages(), "kamailio")
	return o, err
}

// phone is the telephone's program.
func (r *runCmd) phone() (string, error) {
	path := r.Phone
	if path == "" {
		exe, err := os.Executable()
		if err != nil {
			return "", err
		}
		path = filepath.Join(filepath.Dir(exe), "chordophone")
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%w: make build makes it, --phone names it", err)
	}
	return path, nil
}

func (r *runCmd) audioOptions() (o audio.Options, err error) {
	o = audio.Options{Speech: r.Speech, Data: r.dataDir(), Scale: audio.Full(), Seed: r.Seed, Say: r.say()}
	if r.Short {
		o.Scale = audio.Short()
	}
	if r.Rounds > 0 {
		o.Scale.Rounds = r.Rounds
	}
	if o.Speech == "" {
		return o, errors.New("no speech: --speech names a WAV file, such as firmware/demo/speech.wav")
	}
	if o.Phone, err = r.phone(); err != nil {
		return o, err
	}
	o.Stages, o.OursOnly, err = r.choose(audio.Stages(), "baresip")
	return o, err
}

func (r *runCmd) options() (o dht.Options, err error) {
	o = dht.Options{Nodes: r.Nodes, Scale: dht.Full(), Seed: r.Seed, Tally: r.Tally, Data: r.dataDir(), Say: r.say()}
	if r.Short {
		o.Scale = dht.Short()
	}
	if len(o.Nodes) == 0 && r.Short {
		o.Nodes = []int{10}
	} else if len(o.Nodes) == 0 {
		o.Nodes = []int{20, 50}
	}
	if o.Stages, o.OursOnly, err = r.choose(dht.Stages(), "opendht"); err != nil {
		return o, err
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
