package dht

import (
	"context"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"chordophone/tools/bench/report"
	"chordophone/tools/built"
)

// bench is the program under test, which has the command node.
var bench string

func TestMain(m *testing.M) {
	os.Exit(built.Run(m, "chordophone/tools/bench", &bench))
}

// Five real phones: each store's owner is killed when it is acknowledged, and
// comes back. Then all lose power at once. Nothing is lost, and no process is
// left.
func TestLive(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const nodes, stores = 5, 6
	prog, err := newChordophone(ctx, bench, t.TempDir(), firstAddr(), nodes, true)
	if err != nil {
		t.Fatal(err)
	}
	net, err := newNetwork(prog, nodes, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	defer net.close()
	c := &campaign{
		net: net, scale: Scale{Patience: 20 * time.Second, Stores: stores}, say: t.Logf,
		figures: make(Figures), detail: make(map[string]any),
	}
	fatal := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%v%s", err, lastLog(prog))
		}
	}
	fatal(c.cold(ctx))
	r, err := c.stores(ctx)
	fatal(err)
	if r.Acknowledged != stores || r.Refused > 0 {
		t.Errorf("%d of %d stores acknowledged, %d refused: %s", r.Acknowledged, stores, r.Refused, r.Error)
	}
	if r.Once.Right != stores || r.After.Right != stores {
		t.Errorf("owners killed: found at once %+v, afterwards %+v", r.Once, r.After)
	}

	before, err := net.wire(ctx)
	fatal(err)
	if _, err := net.put(ctx, net.nodes[0], "one-more"); err != nil {
		t.Error(err)
	}
	after, err := net.wire(ctx)
	fatal(err)
	if w := after.sub(before); w.Frames < 500 || w.Tally["Store (replica)"].Messages < 2 {
		t.Errorf("a put with two replicas at least cost %+v", w)
	}

	fatal(c.cycle(ctx))
	if c.figures["cycle.ever"] != 100 || c.figures["cycle.phones"] == report.Never {
		t.Errorf("after the power cycle: %+v", c.detail["cycle"])
	}
	if lost := net.casualties(); len(lost) > 0 {
		t.Errorf("nodes %v ended by themselves%s", lost, lastLog(prog))
	}
	net.close()
	for _, n := range net.nodes {
		select {
		case <-n.proc.Ended():
		default:
			t.Errorf("node %d is left behind", n.index)
		}
	}
}

// A stranger to the commands is told so, and quit ends a node politely.
func TestNodeCommands(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	prog, err := newChordophone(ctx, bench, t.TempDir(), firstAddr(), 1, false)
	if err != nil {
		t.Fatal(err)
	}
	net, err := newNetwork(prog, 1, rand.New(rand.NewPCG(1, 3)))
	if err != nil {
		t.Fatal(err)
	}
	defer net.close()
	n := net.nodes[0]
	if err := net.startAll(ctx, net.nodes); err != nil {
		t.Fatal(err)
	}
	if err := prog.together(ctx, net); err != nil {
		t.Fatal(err)
	}
	if a, _ := n.ask(ctx, "dance"); a.err == nil {
		t.Error("the node dances")
	}
	if _, err := net.put(ctx, n, "alone"); err != nil {
		t.Error(err)
	}
	var l Lookups
	if !net.get(ctx, n, "alone", &l) {
		t.Errorf("look-up of the only node: %+v", l)
	}
	if a, _ := n.ask(ctx, "get nothing"); a.err != nil || a.found {
		t.Errorf("what was never stored: %+v", a)
	}
	if err := n.proc.WriteLine("quit"); err != nil {
		t.Fatal(err)
	}
	if err := n.proc.Wait(ctx); err != nil {
		t.Errorf("after quit: %v%s", err, lastLog(prog))
	}
}
