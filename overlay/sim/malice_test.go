package sim

import (
	"fmt"
	"testing"
	"time"

	"chordophone/overlay/chord"
)

// TestMalice has some of the phones taken over. Whatever these do, the others
// find who is responsible, their ring stays whole, and they get no record of a
// version older than what the ring acknowledged.
func TestMalice(t *testing.T) {
	for _, c := range []struct {
		nodes  int
		share  float64
		malice Malice
	}{
		{64, 0.25, Drops},
		{64, 0.25, Misroutes},
		{64, 0.25, Forges},
		{64, 0.25, Stale},
		{100, 0.25, Refuses},
		{20, 0.25, Refuses},
		{64, 0.1, Drops | Misroutes | Forges | Stale},
		{64, 0.25, Drops | Misroutes | Forges | Stale},
		{100, 0.25, Drops | Misroutes | Forges | Stale},
		{20, 0.25, Drops | Misroutes | Forges | Stale},
	} {
		t.Run(fmt.Sprintf("%d nodes, malice %d", c.nodes, c.malice), func(t *testing.T) {
			m := Run(Plan{Nodes: c.nodes, Seed: 1, Lookups: 300, Records: 100, Delay: time.Millisecond,
				Malicious: c.share, Malice: c.malice}, nil).Malice
			if m.Malicious == 0 || m.Records == 0 {
				t.Fatalf("%+v", m)
			}
			if m.WrongSuccessors != 0 || m.LookupsRight != m.Lookups || m.UpdatesFailed != 0 {
				t.Errorf("%+v", m)
			}
			// Everybody has a copy of everything in a small office; in a large one
			// a few look-ups in a thousand meet liars only.
			if old := m.Records - m.RecordsRight; old > m.Records/50 || old > 0 && c.nodes <= chord.LAN().Mesh {
				t.Errorf("%d of %d records are not right: %+v", old, m.Records, m)
			}
			if m.RecordsLost != 0 {
				t.Errorf("%d records lost", m.RecordsLost)
			}
		})
	}
}

// TestDeaf makes one link in fifty carry nothing one way. What cannot be asked
// directly is asked by way of others, so nobody is taken for dead for long, and
// look-ups and records do not suffer.
func TestDeaf(t *testing.T) {
	for _, nodes := range []int{20, 60} {
		d := Run(Plan{Nodes: nodes, Seed: 2, Lookups: 300, Delay: time.Millisecond, Deaf: 0.02, Minutes: 2}, nil).Deaf
		t.Logf("%d nodes: %+v", nodes, d)
		if d.LookupsRight < d.Lookups*99/100 || d.RecordsLost != 0 || d.SettledS < 0 {
			t.Errorf("%d nodes: %+v", nodes, d)
		}
	}
}

// TestLossyLookups: a message lost on the way costs a quarter of a second, not
// the look-up.
func TestLossyLookups(t *testing.T) {
	r := Run(Plan{Nodes: 100, Seed: 1, Lookups: 500, Delay: time.Millisecond, Loss: 0.02, Kill: 0.1}, nil)
	if r.LookupsRight != r.Lookups || r.AfterKill.AtOnceRight != r.Lookups || r.AfterKill.LookupsRight != r.Lookups ||
		r.AfterKill.RecordsLost != 0 || r.AfterKill.AtOnceP95S > 1 {
		t.Errorf("%+v %+v", r, r.AfterKill)
	}
}

// TestMassKill: whatever died at once, no record is lost of which one copy lives, nor any
// of those whose writer does.
func TestMassKill(t *testing.T) {
	orphans := 0
	for seed := range uint64(3) {
		a := Run(Plan{Nodes: 200, Seed: seed, Lookups: 100, Delay: time.Millisecond, Kill: 0.75}, nil).AfterKill
		if a.RecordsLost > a.Orphans || a.OwnRecordsLost > 0 {
			t.Errorf("seed %d: %+v", seed, a)
		}
		orphans += a.Orphans
	}
	if orphans == 0 {
		t.Error("no record has lost all its copies: this shows nothing")
	}
}

// TestSettle: a ring that is made whole at once is whole, stays so, and works.
func TestSettle(t *testing.T) {
	for _, n := range []int{1, 2, 10, 17, 300} {
		s := New(Config{Seed: 1, Chord: chord.Sim(), Delay: time.Millisecond})
		s.Settle(n)
		for range 3 {
			if err := s.Ideal(); err != nil {
				t.Fatalf("%d nodes: %v", n, err)
			}
			s.Run(20 * time.Second)
		}
		for _, h := range s.hosts {
			if c := h.Node.Counters(); c.Suspected != 0 || c.Disbelieved != 0 {
				t.Errorf("%d nodes: %+v", n, c)
			}
		}
		k, _ := put(t, s, 0, record(s.hosts[0].Peer.ID, "101", 1, "x"))
		if g, _ := get(t, s, n-1, "101"); k.Err != nil || len(g.Records) != 1 {
			t.Errorf("%d nodes: %+v %+v", n, k, g)
		}
	}
}
