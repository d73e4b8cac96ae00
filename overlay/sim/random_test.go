package sim

import (
	"fmt"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// TestRandom lives through random histories: nodes join, crash, leave and come
// back, messages are late. The ring checker looks after every single step; a
// while after the last trouble the ring is ideal and no record is lost. What
// happens depends on the seed alone.
func TestRandom(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			cfg := lan(seed)
			cfg.Chord.Successors = 8
			cfg.Chord.Mesh = 8
			cfg.Delay = time.Duration(1+seed%4*10) * time.Millisecond
			s := office(t, 12, cfg)
			settle(t, s, 2*time.Minute)
			var kept []overlay.Record
			for i := range 12 {
				r := record(s.hosts[i].Peer.ID, fmt.Sprint(i), 1, "x")
				if k, _ := put(t, s, i, r); k.Err != nil {
					t.Fatal(k.Err)
				}
				kept = append(kept, r)
			}
			steps := 0
			s.Observe = func(host int, now time.Duration, ev chord.Event, acts []chord.Action) {
				steps++
				if err := s.Check(); err != nil {
					t.Fatalf("after %v, step %d, %T at %d: %v", now, steps, ev, host, err)
				}
			}
			for range 30 {
				m := s.Members()
				switch i := m[s.rng.IntN(len(m))]; {
				case len(m) > 10 && s.rng.IntN(3) == 0:
					s.Kill(i)
				case len(m) > 10 && s.rng.IntN(3) == 0:
					s.Stop(i)
				default:
					j := s.rng.IntN(len(s.hosts)) // an old one comes back, or a new one
					if s.hosts[j].Node != nil {
						j = s.Add()
					}
					// Three, for some may be leaving: who finds nobody is a ring of its own.
					s.hosts[j].Known = []overlay.Peer{s.hosts[i].Peer, s.hosts[m[0]].Peer, s.hosts[m[len(m)/2]].Peer}
					s.Start(j)
				}
				s.Run(time.Duration(s.rng.IntN(2000)) * time.Millisecond)
			}
			s.Observe = nil
			settle(t, s, time.Minute)
			s.Run(30 * time.Second)
			m := s.Members()
			for i, r := range kept {
				g, _ := get(t, s, m[i%len(m)], fmt.Sprint(i))
				if len(g.Records) != 1 || g.Records[0].Version != r.Version {
					t.Errorf("record %d: %+v", i, g)
				}
			}
		})
	}
}

// TestLoss loses a tenth of all messages for a while.
func TestLoss(t *testing.T) {
	for seed := range uint64(4) {
		cfg := lan(seed)
		cfg.Loss = 0.1
		s := office(t, 15, cfg)
		s.Run(20 * time.Second)
		kept := make(map[int]bool) // what was not acknowledged may be lost
		for i := range 15 {
			k, _ := put(t, s, i, record(s.hosts[i].Peer.ID, fmt.Sprint(i), 1, "x"))
			kept[i] = k.Err == nil
			if k.Err != nil && k.Err != chord.ErrTimeout && k.Err != chord.ErrNotJoined {
				t.Errorf("put: %+v", k)
			}
		}
		s.Run(30 * time.Second)
		s.cfg.Loss = 0
		settle(t, s, time.Minute)
		s.Run(time.Minute)
		for i := range 15 {
			for name := range 15 {
				if g, _ := get(t, s, i, fmt.Sprint(name)); g.Err != nil || kept[name] && len(g.Records) != 1 {
					t.Errorf("seed %d: %d gets %d: %+v", seed, i, name, g)
				}
			}
		}
	}
}

// TestRepeats: equal seeds give equal runs, others do not.
func TestRepeats(t *testing.T) {
	p := Plan{Nodes: 40, Seed: 7, Lookups: 100, Kill: 0.3, Delay: time.Millisecond}
	a, b := Run(p, nil), Run(p, nil)
	if a.Trace != b.Trace {
		t.Errorf("traces %s and %s", a.Trace, b.Trace)
	}
	p.Seed++
	if c := Run(p, nil); c.Trace == a.Trace {
		t.Error("another seed gives the same trace")
	}
	if a.LookupsRight != a.Lookups || a.AfterKill.LookupsRight != a.Lookups || a.AfterKill.RecordsLost != 0 || a.WrongSuccessors != 0 {
		t.Errorf("%+v %+v", a, a.AfterKill)
	}
}

// TestTombstone removes a record while one half of the office is cut off: it
// does not come back when the halves meet.
func TestTombstone(t *testing.T) {
	s := office(t, 6, lan(1))
	settle(t, s, 20*time.Second)
	r := record(s.hosts[0].Peer.ID, "101", 1, "x")
	put(t, s, 0, r)
	s.Split(func(i int) int { return i % 2 })
	s.Run(30 * time.Second)
	r.Version++
	r.Removed, r.Value = true, nil
	if k, _ := put(t, s, 0, r); k.Err != nil {
		t.Fatal(k.Err)
	}
	s.Split(nil)
	settle(t, s, 40*time.Second)
	s.Run(5 * time.Second)
	for i := range s.hosts {
		if g, _ := get(t, s, i, "101"); g.Err != nil || len(g.Records) != 0 {
			t.Errorf("%d gets %+v", i, g)
		}
	}
	r.Version--
	r.Removed, r.Value = false, []byte("x")
	if k, _ := put(t, s, 1, r); k.Err != chord.ErrTooOld || k.Newer != r.Version+1 {
		t.Errorf("putting the old one again: %+v", k)
	}
}

// TestExpiry: a record is gone when its lifetime is, everywhere and on disk.
func TestExpiry(t *testing.T) {
	s := office(t, 4, lan(3))
	settle(t, s, 20*time.Second)
	r := record(s.hosts[1].Peer.ID, "101", 1, "x")
	r.Lifetime = 20 * time.Second
	put(t, s, 1, r)
	s.Run(21 * time.Second)
	for i := range s.hosts {
		if g, _ := get(t, s, i, "101"); len(g.Records) != 0 {
			t.Errorf("%d gets %+v", i, g)
		}
	}
	s.Run(time.Minute)
	for i, h := range s.hosts {
		if len(h.Disk) != 0 {
			t.Errorf("disk of %d: %v", i, h.Disk)
		}
	}
}

// TestPowerCycle switches everybody off and on again.
func TestPowerCycle(t *testing.T) {
	s := office(t, 8, lan(4))
	settle(t, s, 20*time.Second)
	for i := range s.hosts {
		put(t, s, i, record(s.hosts[i].Peer.ID, fmt.Sprint(i), 1, "x"))
	}
	for i := range s.hosts {
		s.hosts[i].Known = s.hosts[i].Node.View().Succ
	}
	for i := range s.hosts {
		s.Kill(i)
	}
	s.Run(time.Second)
	for i := range s.hosts {
		s.Start(i)
		s.Run(50 * time.Millisecond)
	}
	settle(t, s, 5*time.Second)
	for i := range s.hosts {
		for name := range 8 {
			if g, _ := get(t, s, i, fmt.Sprint(name)); g.Err != nil || len(g.Records) != 1 {
				t.Errorf("%d gets %d: %+v", i, name, g)
			}
		}
	}
}

// TestIdleTraffic holds the bar for an office of twenty: 500 octets a second.
func TestIdleTraffic(t *testing.T) {
	s := office(t, 20, lan(5))
	settle(t, s, 20*time.Second)
	for i := range s.hosts {
		put(t, s, i, record(s.hosts[i].Peer.ID, fmt.Sprint(i), 1, "x"))
	}
	s.Run(time.Minute)
	messages, bytes := s.Messages, s.Bytes
	s.Run(5 * time.Minute)
	perNode := float64(s.Bytes-bytes) / 300 / 20
	t.Logf("%.2f messages and %.0f octets a second", float64(s.Messages-messages)/300/20, perNode)
	if perNode > 500 {
		t.Errorf("%.0f octets a second", perNode)
	}
}

// TestSilentDeath: within ten seconds everybody knows.
func TestSilentDeath(t *testing.T) {
	for seed := range uint64(10) {
		cfg := lan(seed)
		cfg.Silent = time.Hour
		s := office(t, 20, cfg)
		settle(t, s, 20*time.Second)
		s.Run(time.Minute)
		s.Kill(int(seed))
		if d, ok := s.RunUntil(10*time.Second, func() bool { return s.Ideal() == nil }); !ok {
			t.Errorf("seed %d: after %v: %v", seed, d, s.Ideal())
		}
	}
}
