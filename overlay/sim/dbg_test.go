package sim

import (
	"fmt"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

func TestDbg(t *testing.T) {
	cfg := chord.Sim()
	p := Plan{Nodes: 64, Seed: 7, Lookups: 100, Records: 150, Delay: time.Millisecond, Malicious: 0.25, Malice: 15}
	e := experiment{Plan: p, Net: New(Config{Seed: p.Seed, Chord: cfg, Delay: p.Delay})}
	e.grow()
	e.RunUntil(settleTime, e.settled)
	e.Run(2 * time.Minute)
	e.store()
	e.corrupt()
	members := e.Members()
	idx := make(map[overlay.ID]int)
	for i, m := range members {
		idx[e.hosts[m].Peer.ID] = i
	}
	for range 300 {
		var key overlay.ID
		for i := range key {
			key[i] = byte(e.rng.Uint32())
		}
		h := e.alive(members)
		e.Find(h, key, func(f chord.Found) {
			o := e.Owner(e.Members(), key)
			if f.Err == nil && f.Peer.ID != e.hosts[o].Peer.ID {
				d := key.Distance(f.Peer.ID)
				line := fmt.Sprintf("from %d, owner %d%v, answered by %d off %.1f, owner off %.1f, path", idx[e.hosts[h].Peer.ID], idx[e.hosts[o].Peer.ID], e.hosts[o].Malice, idx[f.Peer.ID],
					float64(d[0])/4+float64(d[1])/1024, float64(key.Distance(e.hosts[o].Peer.ID)[0])/4)
				for _, x := range f.Path {
					line += fmt.Sprintf(" %d", idx[x])
					if e.hosts[e.byID[x]].Malice != 0 {
						line += "*"
					}
				}
				v := e.hosts[h].Node.View()
				line += fmt.Sprintf(" list")
				for _, q := range v.Succ {
					line += fmt.Sprintf(" %d", idx[q.ID])
				}
				fmt.Println(line, "size", v.Size)
			}
		})
		e.Net.Run(100 * time.Millisecond)
	}
}
