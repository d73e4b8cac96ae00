package sim

import (
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

func office(t testing.TB, n int, cfg Config) *Net {
	t.Helper()
	s := New(cfg)
	for i := range n {
		if i == 0 {
			s.Add()
		} else {
			s.Add(0, s.rng.IntN(i))
		}
	}
	s.Start(0)
	for i := 1; i < n; i++ {
		s.Run(20 * time.Millisecond)
		s.Start(i)
	}
	return s
}

func settle(t testing.TB, s *Net, d time.Duration) time.Duration {
	t.Helper()
	took, ok := s.RunUntil(d, func() bool { return s.Ideal() == nil })
	if !ok {
		t.Fatalf("not ideal after %v: %v", d, s.Ideal())
	}
	return took
}

func lan(seed uint64) Config {
	return Config{Seed: seed, Chord: chord.LAN(), Delay: time.Millisecond}
}

func record(owner overlay.ID, name string, version uint32, value string) overlay.Record {
	return overlay.Record{
		Resource: overlay.ResourceID(name), Kind: overlay.SIPRegistration, Key: owner[:],
		Version: overlay.MakeVersion(1, version), Lifetime: time.Hour, Value: []byte(value), Owner: owner,
	}
}

// put, get and find wait for the answer and say how long it took.
func put(t testing.TB, s *Net, i int, r overlay.Record) (chord.Kept, time.Duration) {
	t.Helper()
	var got *chord.Kept
	s.Put(i, r, func(k chord.Kept) { got = &k })
	d, ok := s.RunUntil(20*time.Second, func() bool { return got != nil })
	if !ok {
		t.Fatal("no answer to Put")
	}
	return *got, d
}

func get(t testing.TB, s *Net, i int, name string) (chord.Got, time.Duration) {
	t.Helper()
	var got *chord.Got
	s.Get(i, overlay.ResourceID(name), func(k chord.Got) { got = &k }, overlay.SIPRegistration)
	d, ok := s.RunUntil(20*time.Second, func() bool { return got != nil })
	if !ok {
		t.Fatal("no answer to Get")
	}
	return *got, d
}

// TestThreePhones is the office of the first call: each phone registers, one is
// killed, and the others still find everybody.
func TestThreePhones(t *testing.T) {
	for _, silent := range []time.Duration{0, time.Hour} {
		for seed := range uint64(20) {
			cfg := lan(seed)
			cfg.Silent = silent
			s := office(t, 3, cfg)
			settle(t, s, 10*time.Second)
			names := []string{"101", "102", "103"}
			for i, name := range names {
				k, d := put(t, s, i, record(s.hosts[i].Peer.ID, name, 1, name))
				if k.Err != nil || k.Copies != 3 || d > 100*time.Millisecond {
					t.Fatalf("put %s: %+v after %v", name, k, d)
				}
			}
			s.Kill(int(seed % 3))
			a, b := int(seed+1)%3, int(seed+2)%3
			limit := 1200 * time.Millisecond
			putLimit := limit
			if silent > 0 {
				putLimit = 3500 * time.Millisecond
			}
			for _, name := range names {
				g, d := get(t, s, a, name)
				if g.Err != nil || len(g.Records) != 1 || d > limit {
					t.Errorf("seed %d: get %s after the kill: %+v after %v", seed, name, g, d)
				}
			}
			if g, d := get(t, s, b, "nobody"); g.Err != nil || len(g.Records) != 0 || d > limit {
				t.Errorf("seed %d: get nobody: %+v after %v", seed, g, d)
			}
			for i, name := range names {
				k, d := put(t, s, b, record(s.hosts[b].Peer.ID, name, 2, "new"))
				if k.Err != nil || k.Copies != 2 || i == 0 && d > putLimit {
					t.Errorf("seed %d silent %v: put %s after the kill: %+v after %v", seed, silent, name, k, d)
				}
			}
			settle(t, s, 10*time.Second)
			// It comes back.
			back := int(seed % 3)
			s.hosts[back].Known = []overlay.Peer{s.hosts[a].Peer, s.hosts[b].Peer}
			s.Start(back)
			if d, ok := s.RunUntil(time.Second, func() bool { return s.hosts[back].Node.View().Joined }); !ok || d > 300*time.Millisecond {
				t.Errorf("seed %d: back after %v", seed, d)
			}
			settle(t, s, 10*time.Second)
			want := 2 // what 102 stored, and what b did
			if b == 1 {
				want = 1
			}
			if g, _ := get(t, s, back, "102"); g.Err != nil || len(g.Records) != want {
				t.Errorf("seed %d: the one that came back gets %+v", seed, g)
			}
			s.Run(5 * time.Second)
			for _, h := range s.hosts {
				if len(h.Disk) != 5 {
					t.Errorf("seed %d: %s holds %d records", seed, h.Peer.ID.Short(), len(h.Disk))
				}
			}
		}
	}
}

// TestFastRestart kills a phone and starts it again before the others noticed.
func TestFastRestart(t *testing.T) {
	for seed := range uint64(20) {
		for _, silent := range []time.Duration{0, time.Hour} {
			cfg := lan(seed)
			cfg.Silent = silent
			s := office(t, 4, cfg)
			settle(t, s, 10*time.Second)
			s.Kill(2)
			s.Run(time.Duration(seed) * 30 * time.Millisecond)
			s.hosts[2].Known = []overlay.Peer{s.hosts[0].Peer, s.hosts[1].Peer, s.hosts[3].Peer}
			s.Start(2)
			if d, ok := s.RunUntil(3*time.Second, func() bool { return s.hosts[2].Node.View().Joined }); !ok || d > 900*time.Millisecond {
				t.Errorf("seed %d silent %v: joined after %v", seed, silent, d)
			}
			settle(t, s, 12*time.Second)
		}
	}
}

// TestPowerUp starts a whole office at once: nobody is there to join. Some that all
// remember may be gone for good, their addresses silent or refusing.
func TestPowerUp(t *testing.T) {
	for _, c := range []struct {
		phones, gone int
		silent       time.Duration
	}{
		{phones: 2}, {phones: 3}, {phones: 10}, {phones: 32}, {phones: 64},
		{phones: 20, gone: 15}, {phones: 64, gone: 56}, {phones: 64, gone: 56, silent: 2 * time.Second},
	} {
		for seed := range uint64(5) {
			cfg := lan(seed)
			cfg.Silent = c.silent
			s := New(cfg)
			for range c.phones {
				s.Add()
			}
			for i, h := range s.hosts {
				for j := range s.hosts {
					if j != i {
						h.Known = append(h.Known, s.hosts[j].Peer)
					}
				}
			}
			for _, i := range s.rng.Perm(c.phones)[c.gone:] {
				s.Start(i)
				s.Run(time.Duration(s.rng.IntN(1000/c.phones)) * time.Millisecond)
			}
			took := settle(t, s, 20*time.Second)
			t.Logf("%+v: one ring after %v", c, took)
		}
	}
}

// TestMerge splits an office for a while. Each half goes on; then they merge.
func TestMerge(t *testing.T) {
	for seed := range uint64(6) {
		n := []int{3, 5, 20, 40}[seed%4]
		s := office(t, n, lan(seed))
		settle(t, s, 60*time.Second)
		put(t, s, 0, record(s.hosts[0].Peer.ID, "101", 1, "before"))
		s.Split(func(i int) int { return i % 2 })
		s.Run(2 * time.Minute)
		if k, _ := put(t, s, 0, record(s.hosts[0].Peer.ID, "101", 2, "during")); k.Err != nil {
			t.Errorf("put while split: %+v", k)
		}
		if k, _ := put(t, s, 1, record(s.hosts[1].Peer.ID, "102", 1, "during")); k.Err != nil {
			t.Errorf("put while split: %+v", k)
		}
		if g, _ := get(t, s, 1, "101"); len(g.Records) != 1 || string(g.Records[0].Value) != "before" {
			t.Errorf("seed %d: get in the other half: %+v", seed, g)
		}
		s.Split(nil)
		took, ok := s.RunUntil(40*time.Second, func() bool { return s.Wrong() == 0 && s.Check() == nil })
		if !ok {
			t.Fatalf("seed %d: %d nodes not merged: %d wrong, %v", seed, n, s.Wrong(), s.Check())
		}
		t.Logf("%d nodes: one ring after %v", n, took)
		settle(t, s, 60*time.Second)
		s.Run(10 * time.Second)
		for i := range s.hosts {
			g, _ := get(t, s, i, "101")
			h, _ := get(t, s, i, "102")
			if len(g.Records) != 1 || string(g.Records[0].Value) != "during" || len(h.Records) != 1 {
				t.Fatalf("seed %d: host %d gets %+v %+v", seed, i, g, h)
			}
		}
	}
}
