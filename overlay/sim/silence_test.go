package sim

import (
	"fmt"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// TestSilentOwner cuts the power of the node that is responsible for a record. Long
// before anybody knows that it is dead the record is found, and a new version is
// stored, on three disks, and stays.
func TestSilentOwner(t *testing.T) {
	for seed := range uint64(8) {
		cfg := lan(seed)
		cfg.Silent = time.Hour
		s := office(t, 20, cfg)
		settle(t, s, 20*time.Second)
		id := s.hosts[0].Peer.ID
		owner := s.Owner(s.Members(), overlay.ResourceID("101"))
		writer, reader := (owner+1)%20, (owner+2)%20
		if k, _ := put(t, s, writer, record(id, "101", 1, "x")); k.Err != nil {
			t.Fatal(k.Err)
		}
		s.Run(5 * time.Second)
		s.Kill(owner)
		if g, took := get(t, s, reader, "101"); len(g.Records) != 1 || took > 400*time.Millisecond {
			t.Errorf("seed %d: after %v: %+v", seed, took, g)
		}
		k, took := put(t, s, writer, record(id, "101", 2, "y"))
		if k.Err != nil || k.Copies < 3 || took > 700*time.Millisecond {
			t.Errorf("seed %d: after %v: %+v", seed, took, k)
		}
		disks := 0
		for _, h := range s.hosts {
			if r, ok := h.Disk[record(id, "101", 0, "").Slot()]; ok && r.Version.Counter() == 2 && h.Node != nil {
				disks++
			}
		}
		if disks < 3 {
			t.Errorf("seed %d: %d disks have what was acknowledged", seed, disks)
		}
		settle(t, s, 20*time.Second)
		s.Run(10 * time.Second)
		for i, h := range s.hosts {
			if h.Node == nil {
				continue
			}
			if g, _ := get(t, s, i, "101"); len(g.Records) != 1 || g.Records[0].Version.Counter() != 2 {
				t.Errorf("seed %d: later %d gets %+v", seed, i, g)
			}
		}
	}
}

// TestManyPuts stores a thousand records through one phone, as many as it may at the
// same time: they travel together.
func TestManyPuts(t *testing.T) {
	const nodes, records, atOnce = 12, 1000, 256
	s := office(t, nodes, lan(1))
	settle(t, s, 20*time.Second)
	s.Run(time.Minute)
	before, start := s.Messages, s.Now()
	kept, next := 0, 0
	var more func()
	more = func() {
		if next == records {
			return
		}
		r := record(s.hosts[0].Peer.ID, fmt.Sprint(next), 1, "x")
		next++
		s.Put(0, r, func(k chord.Kept) {
			if k.Err != nil {
				t.Error(k.Err)
			}
			kept++
			more()
		})
	}
	for range atOnce {
		more()
	}
	s.RunUntil(20*time.Second, func() bool { return kept == records })
	took := s.Now() - start
	s.Run(3 * time.Second)
	perPut := float64(s.Messages-before) / records
	t.Logf("%d records in %v, %.1f messages each", kept, took, perPut)
	if kept != records || took > time.Second || perPut > 4 {
		t.Errorf("%d records in %v, %.1f messages each", kept, took, perPut)
	}
	for i, h := range s.hosts {
		if len(h.Disk) != records {
			t.Errorf("%d has %d records", i, len(h.Disk))
		}
	}
}

// TestTwoWriters: where several may write one slot the newest version stands, and
// who wrote an older one before does not bring that back.
func TestTwoWriters(t *testing.T) {
	for _, nodes := range []int{8, 50} {
		s := office(t, nodes, lan(2))
		settle(t, s, time.Minute)
		for round := range uint32(4) {
			w := int(round) % 2
			r := record(s.hosts[w].Peer.ID, "binding", round+1, fmt.Sprint("by ", w))
			r.Key = []byte("one")
			if k, _ := put(t, s, w, r); k.Err != nil {
				t.Fatal(k.Err)
			}
			s.Run(5 * time.Second)
		}
		s.Kill(1) // who wrote last
		settle(t, s, time.Minute)
		s.Run(3 * time.Minute)
		for i, h := range s.hosts {
			if h.Node == nil {
				continue
			}
			if g, _ := get(t, s, i, "binding"); len(g.Records) != 1 || string(g.Records[0].Value) != "by 1" {
				t.Fatalf("%d nodes: %d gets %+v", nodes, i, g)
			}
		}
	}
}
