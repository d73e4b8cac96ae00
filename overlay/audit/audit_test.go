package audit_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/audit"
	"chordophone/overlay/chord"
	"chordophone/overlay/node"
	"chordophone/overlay/node/nodetest"
)

// ring runs n live nodes that hold 40 records, and hands them to test.
func ring(t *testing.T, n int, cfg chord.Config, test func(nodes []*node.Node, wires []*nodetest.Transport)) {
	synctest.Test(t, func(t *testing.T) {
		var (
			net   nodetest.Net
			nodes []*node.Node
			wires []*nodetest.Transport
			known []overlay.Peer
		)
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error)
		for i := range n {
			self := overlay.Peer{
				ID:   overlay.ResourceID(fmt.Sprint("node ", i)),
				Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), overlay.Port),
			}
			wire := net.Attach(self)
			live := node.New(node.Config{
				Self: self, Chord: cfg, Known: known, Transport: wire, Store: new(nodetest.Store),
				Verify: func(overlay.Record) error { return nil },
				Seed:   [2]uint64{uint64(i), 1}, Log: slog.New(slog.DiscardHandler),
			})
			go func() { ended <- live.Run(ctx) }()
			nodes, wires = append(nodes, live), append(wires, wire)
			known = append(known, self)
			time.Sleep(2 * time.Second)
		}
		for i := range 40 {
			_, _, err := nodes[i%n].Put(ctx, overlay.Record{
				Resource: overlay.ResourceID(fmt.Sprint(i)), Kind: overlay.SIPRegistration,
				Version: 1, Lifetime: time.Hour, Owner: known[i%n].ID,
			})
			if err != nil {
				t.Error(err)
			}
		}
		time.Sleep(20 * time.Second)
		test(nodes, wires)
		stop()
		for range nodes {
			<-ended
		}
	})
}

func run(t *testing.T, n *node.Node, cfg chord.Config) audit.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := audit.Run(ctx, n, cfg.Replicas)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSoundRing(t *testing.T) {
	small, large := chord.LAN(), chord.LAN()
	large.Successors, large.Mesh, large.Copies = 4, 4, 4
	for name, c := range map[string]struct {
		nodes  int
		cfg    chord.Config
		copies int
	}{
		"alone":              {1, small, 40},
		"everyone keeps all": {5, small, 5 * 40},
		"fingers":            {12, large, 4 * 40},
	} {
		t.Run(name, func(t *testing.T) {
			ring(t, c.nodes, c.cfg, func(nodes []*node.Node, _ []*nodetest.Transport) {
				r := run(t, nodes[0], c.cfg)
				if !r.Good() || !r.Closed || len(r.Nodes) != c.nodes || r.Records != 40 || r.Copies != c.copies || r.Lacking != 0 {
					t.Errorf("%+v, want %d nodes, 40 records, %d copies and nothing lacking", r, c.nodes, c.copies)
				}
			})
		})
	}
}

// Copies that are missing are given, and found there the next time.
func TestRepair(t *testing.T) {
	cfg := chord.LAN()
	fewer := cfg
	fewer.Mesh, fewer.Copies, fewer.AntiEntropy = 2, 3, time.Hour // so much is kept
	ring(t, 6, fewer, func(nodes []*node.Node, _ []*nodetest.Transport) {
		first := run(t, nodes[2], cfg) // so much should be
		if first.Lacking == 0 || first.Repaired != first.Lacking || first.Copies != 6*40 {
			t.Errorf("%+v: want copies that lack and were given", first)
		}
		if second := run(t, nodes[3], cfg); second.Lacking != 0 || second.Copies != 6*40 {
			t.Errorf("afterwards %+v", second)
		}
	})
}

// A node that has just died is a problem with a name.
func TestDeadNode(t *testing.T) {
	cfg := chord.LAN()
	ring(t, 5, cfg, func(nodes []*node.Node, wires []*nodetest.Transport) {
		dead := nodes[0].View().Succ[1]
		for i, n := range nodes {
			if n.View().Self.ID == dead.ID {
				wires[i].Off()
			}
		}
		r := run(t, nodes[0], cfg)
		if r.Good() || len(r.Problems) == 0 || !strings.Contains(r.Problems[0], dead.ID.Short()) {
			t.Errorf("with %v dead: %+v", dead, r)
		}
	})
}

// Two different records of one version are no copies of one another: a holder has
// another value than the owner, which is repaired.
func TestSameVersionOtherValue(t *testing.T) {
	cfg := chord.LAN()
	ring(t, 4, cfg, func(nodes []*node.Node, _ []*nodetest.Transport) {
		for i, want := range []string{"older", "newer"} { // of the two one stands, whoever has it
			r := overlay.Record{
				Resource: overlay.ResourceID(fmt.Sprint(i)), Kind: overlay.SIPRegistration,
				Version: 1, Lifetime: time.Hour, Owner: nodes[i].View().Self.ID, Value: []byte(want),
			}
			for _, n := range nodes {
				owner, _, err := nodes[0].Find(context.Background(), r.Resource)
				if self := n.View().Self; err == nil && (self.ID == owner.ID) == (want == "newer") {
					if _, err := n.Ask(context.Background(), self, chord.Store{Replica: 1, Records: []overlay.Record{r}}); err != nil {
						t.Fatal(err)
					}
					break
				}
			}
		}
		if r := run(t, nodes[0], cfg); r.Lacking == 0 || r.Repaired != r.Lacking {
			t.Errorf("%+v: want copies that differ, and are repaired", r)
		}
		run(t, nodes[2], cfg) // what an owner was given, its holders are given the next time
		if r := run(t, nodes[1], cfg); r.Lacking != 0 || r.Copies != 4*40 {
			t.Errorf("afterwards %+v", r)
		}
	})
}
