package dht

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chordophone/tools/bench/procs"
	"chordophone/tools/bench/report"
	"chordophone/tools/bench/ringnode"
)

// Network is the nodes of one program, and what was stored in them.
type Network struct {
	prog  program
	host  *procs.Host
	nodes []*Node
	rng   *rand.Rand

	changed chan struct{} // a view has; holds one notice at most

	names  []string          // acknowledged, in order
	values map[string]string // of names
}

func newNetwork(prog program, n int, rng *rand.Rand) (*Network, error) {
	host, err := procs.NewHost()
	if err != nil {
		return nil, err
	}
	net := &Network{prog: prog, host: host, rng: rng, changed: make(chan struct{}, 1), values: make(map[string]string)}
	for i := range n {
		net.nodes = append(net.nodes, &Node{index: i})
	}
	return net, nil
}

// close ends all processes.
func (net *Network) close() { net.host.Close() }

// start starts a node. It does not wait until it is up.
func (net *Network) start(n *Node) error {
	n.ready, n.answers, n.skip = make(chan struct{}), make(chan answer, 16), 0
	n.mu.Lock()
	n.view = ringnode.View{}
	n.mu.Unlock()
	l := &life{Node: n, ready: n.ready, answers: n.answers, changed: net.notice}
	cmd := net.prog.command(n.index)
	p, err := net.host.Start(cmd, func(line string) { net.prog.hear(l, line) })
	if log, ok := cmd.Stderr.(*os.File); ok {
		log.Close() // the process has its own now
	}
	if err != nil {
		return fmt.Errorf("start node %d: %w", n.index, err)
	}
	n.proc, n.alive, n.stopped, n.deaf = p, true, false, false
	return nil
}

// startAll starts nodes in the same second and waits until all are up.
func (net *Network) startAll(ctx context.Context, nodes []*Node) error {
	for _, n := range nodes {
		if err := net.start(n); err != nil {
			return err
		}
	}
	for _, n := range nodes {
		if err := n.awaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// killAll pulls the plug of nodes in one moment and waits until they are gone.
func (net *Network) killAll(ctx context.Context, nodes []*Node) error {
	var errs []error
	for _, n := range nodes {
		errs = append(errs, n.kill())
	}
	for _, n := range nodes {
		n.proc.Wait(ctx)
	}
	return errors.Join(append(errs, ctx.Err())...)
}

func (net *Network) notice() {
	select {
	case net.changed <- struct{}{}:
	default:
	}
}

// until waits until what the nodes see fulfils cond.
func (net *Network) until(ctx context.Context, cond func() bool) error {
	for !cond() {
		select {
		case <-net.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// running are the nodes that can be asked.
func (net *Network) running() (out []*Node) {
	for _, n := range net.nodes {
		if n.running() {
			out = append(out, n)
		}
	}
	return out
}

// casualties are nodes that ended or fell silent without being told to.
func (net *Network) casualties() (out []int) {
	for _, n := range net.nodes {
		if !n.alive {
			continue
		}
		select {
		case <-n.proc.Ended():
			out = append(out, n.index)
		default:
			if n.deaf {
				out = append(out, n.index)
			}
		}
	}
	return out
}

// anyOf picks one.
func (net *Network) anyOf(nodes []*Node) *Node { return nodes[net.rng.IntN(len(nodes))] }

// victims picks a share of the nodes, never the first: OpenDHT's nodes know
// nobody else when they start again.
func (net *Network) victims(share float64) []*Node {
	others := net.nodes[1:]
	count := min(max(1, int(share*float64(len(net.nodes)))), len(others))
	var out []*Node
	for _, i := range net.rng.Perm(len(others))[:count] {
		out = append(out, others[i])
	}
	return out
}

// valueOf is what is stored under a name: of the size of a registration, without
// spaces and quotes.
func valueOf(name string) string {
	const size = 80
	v := "sip:" + name + "@192.0.2.17:5061;transport=tls;"
	return v + strings.Repeat("x", max(0, size-len(v)))
}

// put stores a value and remembers it when it was acknowledged.
func (net *Network) put(ctx context.Context, n *Node, name string) (time.Duration, error) {
	v := valueOf(name)
	a, took := n.ask(ctx, net.prog.put(name, v))
	if a.err != nil {
		return took, fmt.Errorf("put %s: %w", name, a.err)
	}
	net.names = append(net.names, name)
	net.values[name] = v
	return took, nil
}

// everybody calls f for all nodes at the same time and reports whether it was
// true for all.
func everybody(nodes []*Node, f func(*Node) bool) bool {
	var wg sync.WaitGroup
	var no atomic.Bool
	for _, n := range nodes {
		wg.Go(func() {
			if !f(n) {
				no.Store(true)
			}
		})
	}
	wg.Wait()
	return !no.Load()
}

// Wire is what all nodes together have sent.
type Wire struct {
	Frames uint64         `json:"frames_octets"` // ours: of RELOAD frames
	IP     uint64         `json:"ip_octets"`     // with IP, TCP or UDP, TLS; 0: unknown
	Tally  ringnode.Tally `json:"tally,omitempty"`
}

func (w Wire) sub(v Wire) Wire {
	return Wire{Frames: w.Frames - v.Frames, IP: w.IP - v.IP, Tally: w.Tally.Sub(v.Tally)}
}

// wire reads the counters. All nodes must be running.
func (net *Network) wire(ctx context.Context) (Wire, error) {
	w := Wire{Tally: make(ringnode.Tally)}
	if _, ours := net.prog.(*chordophone); ours {
		for _, n := range net.nodes {
			a, _ := n.ask(ctx, "stats")
			if a.err != nil {
				return w, a.err
			}
			w.Frames += a.stats.BytesOut
			w.Tally.Add(a.stats.In)
		}
	}
	t, err := net.host.Loopback()
	if err != nil && !errors.Is(err, procs.ErrShared) {
		return w, err
	}
	w.IP = t.Octets
	return w, nil
}

// usage is the processor time of all running nodes together, and the median of
// their memory.
func (net *Network) usage() (cpu time.Duration, rss uint64, err error) {
	var sizes []uint64
	for _, n := range net.running() {
		u, err := n.proc.Usage()
		if err != nil {
			return 0, 0, err
		}
		cpu += u.CPU
		sizes = append(sizes, u.RSS)
	}
	return cpu, report.Quantile(sizes, 0.5), nil
}
