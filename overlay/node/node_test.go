package node_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
	"chordophone/overlay/node"
	"chordophone/overlay/node/nodetest"
)

// A record that is stored by one node is found by all, on the disks of all of a
// small office, and survives the death of its owner and of all but one.
func TestRecordSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{t: t}
		defer o.close()
		o.grow(4)
		if copies := o.put(o.nodes[0], record("102", "here", 1)); copies < 3 {
			t.Errorf("acknowledged with %d copies, want the owner's and two more", copies)
		}
		time.Sleep(time.Second)
		for i, l := range o.nodes {
			if got := o.get(l, "102"); got != "here" {
				t.Errorf("node %d reads %q", i, got)
			}
			if _, ok := l.store.Has(record("102", "", 0).Slot()); !ok {
				t.Errorf("node %d has no copy on disk", i)
			}
		}
		for i := range 3 {
			o.nodes[i].kill()
			if got := o.get(o.nodes[3], "102"); got != "here" {
				t.Errorf("with %d nodes dead the last one reads %q", i+1, got)
			}
		}
	})
}

// What a node holds of a Resource it is responsible for takes no event to read, and
// is what Get says; all else must be asked for.
func TestHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{t: t}
		defer o.close()
		first := o.start(0, new(nodetest.Store))
		synctest.Wait()
		if _, ok := first.Held(overlay.ResourceID("102"), overlay.SIPRegistration); ok {
			t.Error("a node that has not joined holds the answer")
		}
		time.Sleep(2 * time.Second)
		o.start(1, new(nodetest.Store))
		o.start(2, new(nodetest.Store))
		time.Sleep(2 * time.Second)
		held := func(name, want string) (nodes int) {
			t.Helper()
			for i, l := range o.nodes {
				synctest.Wait() // none is in the midst of a step
				records, ok := l.Held(overlay.ResourceID(name), overlay.SIPRegistration)
				if !ok {
					continue
				}
				nodes++
				got := ""
				if len(records) > 0 {
					got = string(records[0].Value)
				}
				if got != want || o.get(l, name) != want {
					t.Errorf("node %d holds %q of %s, and gets %q; want %q", i, got, name, o.get(l, name), want)
				}
			}
			return nodes
		}
		if n := held("102", ""); n != 0 {
			t.Errorf("%d nodes take their own word that there is nothing, just after others joined", n)
		}
		for i := range 20 {
			o.put(o.nodes[i%3], record(fmt.Sprint(i), "v", 1))
			if n := held(fmt.Sprint(i), "v"); n != 1 {
				t.Errorf("%d nodes are responsible for %d", n, i)
			}
		}
		gone := record("3", "", 2)
		gone.Removed = true
		o.put(o.nodes[0], gone)
		time.Sleep(15 * time.Second)
		for _, name := range []string{"3", "nothing"} {
			if n := held(name, ""); n != 1 {
				t.Errorf("%d nodes know that there is no %s", n, name)
			}
		}
	})
}

// slowStore is a disk that takes its time.
type slowStore struct {
	nodetest.Store
	slow time.Duration
}

func (s *slowStore) Apply(save []overlay.Record, drop []overlay.Slot) error {
	time.Sleep(s.slow)
	return s.Store.Apply(save, drop)
}

// What is not on disk yet is not held: nobody waits for that either.
func TestHeldIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var net nodetest.Net
		self := overlay.Peer{ID: overlay.ResourceID("node"), Addr: netip.MustParseAddrPort("192.0.2.1:6084")}
		n := node.New(node.Config{
			Self: self, Chord: chord.LAN(), Transport: net.Attach(self), Store: &slowStore{slow: time.Second},
			Verify: func(overlay.Record) error { return nil }, Log: slog.New(slog.DiscardHandler),
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			n.Run(ctx)
		}()
		time.Sleep(20 * time.Second)
		r := record("102", "here", 1)
		put := make(chan error, 1)
		go func() {
			_, _, err := n.Put(ctx, r)
			put <- err
		}()
		time.Sleep(500 * time.Millisecond)
		if _, ok := n.Held(r.Resource, r.Kind); ok {
			t.Error("held while it is being written")
		}
		if err := <-put; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if records, ok := n.Held(r.Resource, r.Kind); !ok || len(records) != 1 {
			t.Errorf("held afterwards: %v, %v", records, ok)
		}
		if records, ok := n.Held(r.Resource, overlay.Binding); !ok || len(records) != 0 {
			t.Errorf("of another Kind: %v, %v", records, ok)
		}
		stop()
		<-ended
	})
}

// A newcomer holds all that a small office knows from the moment it has joined:
// who let it in may die at once.
func TestNewcomerHoldsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{t: t}
		defer o.close()
		o.grow(1)
		for i := range 20 {
			o.put(o.nodes[0], record(fmt.Sprint(i), "x", 1))
		}
		newcomer := o.start(1, new(nodetest.Store))
		for !newcomer.View().Joined {
			time.Sleep(time.Millisecond)
		}
		o.nodes[0].kill()
		for i := range 20 {
			if got := o.get(newcomer, fmt.Sprint(i)); got != "x" {
				t.Errorf("record %d: %q", i, got)
			}
		}
	})
}

// A node that leaves politely is not missed: the others close the ring at once.
func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{t: t}
		defer o.close()
		o.grow(3)
		o.put(o.nodes[1], record("101", "before", 1))
		o.nodes[0].stop()
		<-o.nodes[0].ended
		o.nodes[0].wire.Off()
		if got := o.get(o.nodes[1], "101"); got != "before" {
			t.Errorf("after a node left: %q", got)
		}
		time.Sleep(5 * time.Second)
		for _, l := range o.nodes[1:] {
			if v := l.View(); v.Size != 2 || v.Pred.ID == o.nodes[0].self.ID || v.Succ[0].ID == o.nodes[0].self.ID {
				t.Errorf("%v still sees the one that left: %+v", l.self, v)
			}
		}
		if _, _, err := o.nodes[0].Get(context.Background(), overlay.ID{}); !errors.Is(err, node.ErrStopped) {
			t.Errorf("a stopped node answers %v", err)
		}
	})
}

// Everybody loses power. What was acknowledged is there again, but for what the
// disk damaged.
func TestPowerCycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stores := []*nodetest.Store{{}, {}, {}}
		o := &office{t: t}
		for i, s := range stores {
			o.start(i, s)
			time.Sleep(2 * time.Second)
		}
		o.put(o.nodes[2], record("103", "kept", 1))
		o.put(o.nodes[2], record("104", "damaged", 1))
		time.Sleep(time.Second)
		for _, l := range o.nodes {
			l.kill()
		}
		again := &office{t: t}
		defer again.close()
		for i, s := range stores {
			again.start(i, s)
		}
		time.Sleep(5 * time.Second)
		for i, l := range again.nodes {
			if got := again.get(l, "103"); got != "kept" {
				t.Errorf("node %d reads %q", i, got)
			}
			if got := again.get(l, "104"); got != "" {
				t.Errorf("node %d believes a damaged record: %q", i, got)
			}
		}
	})
}

// A disk that cannot be written makes no promises, and the others do the work.
func TestWornCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{t: t}
		defer o.close()
		o.grow(4)
		worn := o.nodes[3]
		worn.store.Fail(errors.New("no space left on device"))
		for i := range 20 {
			name := fmt.Sprint("user ", i)
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			copies, _, err := o.nodes[0].Put(ctx, record(name, "x", 1))
			cancel()
			if err != nil {
				continue // its owner is the worn one: an honest refusal
			}
			have := 0
			for _, l := range o.nodes {
				if _, ok := l.store.Has(record(name, "", 0).Slot()); ok {
					have++
				}
			}
			if have < copies {
				t.Errorf("%s: %d copies promised, %d on disk", name, copies, have)
			}
		}
	})
}

// Records whose signer is revoked are forgotten, here and on disk.
func TestRecheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{t: t}
		defer o.close()
		o.grow(3)
		o.put(o.nodes[0], record("102", "fine", 1))
		o.put(o.nodes[0], record("103", "revoked later", 1))
		time.Sleep(time.Second)
		o.revoked.Store(true)
		for _, l := range o.nodes {
			l.Recheck()
		}
		time.Sleep(time.Second)
		for i, l := range o.nodes {
			if _, ok := l.store.Has(record("103", "", 0).Slot()); ok || o.get(l, "103") != "" {
				t.Errorf("node %d still has it", i)
			}
			if got := o.get(l, "102"); got != "fine" {
				t.Errorf("node %d reads %q", i, got)
			}
		}
	})
}

// The newest version of a record stays, and whoever writes an older one is told.
func TestTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{t: t}
		defer o.close()
		o.grow(3)
		o.put(o.nodes[0], record("101", "new", 7))
		_, newer, err := o.nodes[0].Put(context.Background(), record("101", "old", 3))
		if !errors.Is(err, chord.ErrTooOld) || newer != overlay.MakeVersion(1, 7) {
			t.Errorf("an old version was answered by %v, %v", newer, err)
		}
		if got := o.get(o.nodes[2], "101"); got != "new" {
			t.Errorf("now reads %q", got)
		}
	})
}
