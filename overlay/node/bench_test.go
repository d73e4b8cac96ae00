package node_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/node"
	"chordophone/overlay/node/nodetest"
)

// BenchmarkPuts stores records through one of four nodes, as many as may be under
// way at the same time.
func BenchmarkPuts(b *testing.B) {
	var (
		net   nodetest.Net
		nodes []*node.Node
		known []overlay.Peer
		runs  sync.WaitGroup
	)
	ctx, stop := context.WithCancel(b.Context())
	for i := range 4 {
		self := overlay.Peer{
			ID:   overlay.ResourceID(fmt.Sprint("node ", i)),
			Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), overlay.Port),
		}
		n := node.New(node.Config{
			Self: self, Chord: chord.LAN(), Known: known, Transport: net.Attach(self), Store: new(nodetest.Store),
			Verify: func(overlay.Record) error { return nil }, Seed: [2]uint64{uint64(i), 1}, Log: slog.New(slog.DiscardHandler),
		})
		runs.Go(func() { n.Run(ctx) })
		nodes, known = append(nodes, n), append(known, self)
	}
	for nodes[0].View().Size < len(nodes) {
		time.Sleep(10 * time.Millisecond)
	}
	work := make(chan int)
	var puts sync.WaitGroup
	for range 256 {
		puts.Go(func() {
			for i := range work {
				r := record(fmt.Sprint(i%1500), "x", uint32(i)+1)
				r.Owner = known[0].ID
				if _, _, err := nodes[0].Put(ctx, r); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ResetTimer()
	for i := range b.N {
		work <- i
	}
	close(work)
	puts.Wait()
	b.StopTimer()
	stop()
	runs.Wait()
}
