package sim

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"chordophone/overlay/chord"
)

// TestCampaign lives through random histories in which the network fails, too:
// beside joins, crashes and leaves there are partitions, links that are deaf one
// way, and loss. The ring may come apart meanwhile, as it must; so what holds
// after every step is what holds in each of its parts: every list is in order,
// names nobody twice and not its owner. A while after the last trouble there is
// one ideal ring again, and every record that the ring acknowledged is found in
// its newest version.
//
// CHORD_CAMPAIGN is how many histories; the first is CHORD_SEED.
func TestCampaign(t *testing.T) {
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
			return n
		}
		return otherwise
	}
	first := number("CHORD_SEED", 0)
	for seed := first; seed < first+number("CHORD_CAMPAIGN", 6); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { history(t, uint64(seed)) })
	}
}

func history(t *testing.T, seed uint64) {
	cfg := lan(seed)
	if seed%2 == 1 { // a ring in which nobody knows everybody
		cfg.Chord.Successors, cfg.Chord.Mesh, cfg.Chord.Copies = 8, 8, 6
	}
	const nodes = 16
	s := office(t, nodes, cfg)
	settle(t, s, 2*time.Minute)
	steps := 0
	s.Observe = func(host int, now time.Duration, ev chord.Event, acts []chord.Action) {
		steps++
		if err := s.inOrder(host); err != nil {
			t.Fatalf("after %v, step %d, %T at %d: %v", now, steps, ev, host, err)
		}
	}
	version := make(map[int]uint32)
	for round := range 12 {
		m := s.Members()
		switch i := m[s.rng.IntN(len(m))]; s.rng.IntN(6) {
		case 0:
			side := s.rng.Uint64()
			s.Split(func(i int) int { return int(side >> (i % 64) & 1) })
		case 1:
			from, to := m[s.rng.IntN(len(m))], i
			s.Deafen(func(a, b int) bool { return a == from && b == to || a == to && b == m[0] })
		case 2:
			s.cfg.Loss = 0.05
		case 3:
			if len(m) > nodes-3 {
				s.Kill(i)
			}
		case 4:
			if len(m) > nodes-3 {
				s.Stop(i)
			}
		default:
			s.Start(s.Add(i, m[0]))
		}
		w := m[s.rng.IntN(len(m))]
		if s.hosts[w].Node != nil {
			v := version[w] + 1
			s.Put(w, record(s.hosts[w].Peer.ID, fmt.Sprint(w), v, "x"), func(k chord.Kept) {
				if k.Err == nil {
					version[w] = max(version[w], v)
				}
			})
		}
		s.Run(time.Duration(1+s.rng.IntN(8)) * time.Second)
		if round%3 == 2 {
			s.Split(nil)
			s.Deafen(nil)
			s.cfg.Loss = 0
			s.Run(20 * time.Second)
		}
	}
	s.Observe = nil
	settle(t, s, 2*time.Minute)
	s.Run(90 * time.Second)
	for w := range s.hosts {
		if version[w] == 0 {
			continue
		}
		m := s.Members()
		g, _ := get(t, s, m[w%len(m)], fmt.Sprint(w))
		if len(g.Records) != 1 || g.Records[0].Version.Counter() < version[w] {
			t.Errorf("record of %d, version %d: %+v", w, version[w], g)
		}
	}
}

// inOrder checks the list of one host.
func (s *Net) inOrder(i int) error {
	h := s.hosts[i]
	if h.Node == nil {
		return nil
	}
	last := h.Peer.ID
	for k, p := range h.Node.View().Succ {
		if p.ID == h.Peer.ID || k > 0 && !p.ID.Between(last, h.Peer.ID) {
			return fmt.Errorf("list of %s is out of order at %s", h.Peer.ID.Short(), p.ID.Short())
		}
		last = p.ID
	}
	return nil
}
