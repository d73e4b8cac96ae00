package node_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/node"
	"chordophone/overlay/node/nodetest"
)

// office is a number of live nodes on an in-memory network.
type office struct {
	t     *testing.T
	net   nodetest.Net
	nodes []*live

	revoked atomic.Bool // the signer of records that say so
}

type live struct {
	*node.Node
	self  overlay.Peer
	wire  *nodetest.Transport
	store *nodetest.Store
	stop  context.CancelFunc
	ended chan struct{} // closed when Run has returned err
	err   error
}

func (o *office) start(i int, store *nodetest.Store) *live {
	o.t.Helper()
	self := overlay.Peer{
		ID:   overlay.ResourceID(fmt.Sprint("node ", i)),
		Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), overlay.Port),
	}
	var known []overlay.Peer
	for _, n := range o.nodes {
		known = append(known, overlay.Peer{Addr: n.self.Addr})
	}
	l := &live{self: self, wire: o.net.Attach(self), store: store, ended: make(chan struct{})}
	l.Node = node.New(node.Config{
		Self: self, Chord: chord.LAN(), Known: known, Transport: l.wire, Store: store,
		Verify: func(r overlay.Record) error {
			if string(r.Value) == "damaged" || string(r.Value) == "revoked later" && o.revoked.Load() {
				return errors.New("wrong signature")
			}
			return nil
		},
		Seed: [2]uint64{uint64(i), 1},
		Log:  slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	go func() {
		l.err = l.Run(ctx)
		close(l.ended)
	}()
	o.nodes = append(o.nodes, l)
	return l
}

// grow starts n nodes with empty disks, one after the other.
func (o *office) grow(n int) {
	for i := range n {
		o.start(i, new(nodetest.Store))
		time.Sleep(2 * time.Second)
	}
}

// kill is a pulled plug.
func (l *live) kill() {
	l.wire.Off()
	l.stop()
	<-l.ended
}

func record(name, value string, counter uint32) overlay.Record {
	return overlay.Record{
		Resource: overlay.ResourceID(name),
		Kind:     overlay.SIPRegistration,
		Key:      []byte(name),
		Version:  overlay.MakeVersion(1, counter),
		Lifetime: time.Hour,
		Value:    []byte(value),
		Owner:    overlay.ResourceID("owner of " + name),
	}
}

func (o *office) put(l *live, r overlay.Record) (copies int) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	copies, _, err := l.Put(ctx, r)
	if err != nil {
		o.t.Fatalf("put %s: %v", r.Key, err)
	}
	return copies
}

func (o *office) get(l *live, name string) string {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	records, _, err := l.Get(ctx, overlay.ResourceID(name), overlay.SIPRegistration)
	if err != nil {
		o.t.Fatalf("get %s: %v", name, err)
	}
	if len(records) == 0 {
		return ""
	}
	return string(records[0].Value)
}

func (o *office) close() {
	for _, l := range o.nodes {
		l.stop()
	}
	for _, l := range o.nodes {
		<-l.ended
		if l.err != nil {
			o.t.Errorf("%v: %v", l.self, l.err)
		}
	}
}
