package chord

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"chordophone/overlay"
	"chordophone/tools/story"
)

// TestStories plays the stories in testdata. A line at the margin is something
// that happens:
//
//	node a 10            there is a node a at 10 (hexadecimal) of the circle
//	start b a            b is switched on and knows a
//	stop b | kill b      it leaves, or dies and its neighbours notice
//	cut a b | join       a and b cannot reach each other; everybody can again
//	put a 18 x 1         a stores value x, version 1, at 18
//	remove a 18 2        a removes it
//	get a 18 | find a 18
//	run 2s               time passes
//	view                 how the nodes see the ring
//
// The indented lines after it are what came of it: the time in milliseconds, the
// node, the event, and its actions.
func TestStories(t *testing.T) {
	story.Play(t, "testdata/*.txt", 1, play)
}

func play(t *testing.T, text string) string {
	s := &stage{now: t0}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "    ") {
			continue // the old outcome
		}
		s.out.WriteString(line + "\n")
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		s.command(t, f)
	}
	return s.out.String()
}

func (s *stage) command(t *testing.T, f []string) {
	s.ref++
	var a *actor
	if len(f) > 1 && f[0] != "node" && f[0] != "run" {
		a = s.actor(f[1])
	}
	switch f[0] {
	case "node":
		n := byte(len(s.actors) + 1)
		s.actors = append(s.actors, &actor{name: f[1], peer: overlay.Peer{ID: point(f[2]),
			Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, n}), overlay.Port)}})
	case "start":
		a.life++ // a node that repeats its former transaction-IDs is not listened to
		cfg := LAN()
		cfg.Successors, cfg.Mesh, cfg.Copies = 4, 4, 3
		a.node = New(a.peer, cfg, rand.New(rand.NewPCG(a.life, uint64(a.peer.ID[0]))))
		var known []overlay.Peer
		for _, k := range f[2:] {
			known = append(known, s.actor(k).peer)
		}
		s.step(a, Start{Known: known, Records: a.disk})
	case "stop":
		s.step(a, Stop{})
	case "kill":
		a.node = nil
		for _, b := range s.actors {
			if b != a {
				s.post = append(s.post, letter{s.now, b, Lost{a.peer.ID}})
			}
		}
	case "cut":
		s.cut = [2]string{f[1], f[2]}
	case "join":
		s.cut = [2]string{}
	case "put", "remove":
		r := overlay.Record{Resource: point(f[2]), Kind: overlay.SIPRegistration, Key: a.peer.ID[:], Owner: a.peer.ID, Lifetime: time.Minute}
		v, _ := strconv.Atoi(f[len(f)-1])
		r.Version = overlay.Version(v)
		if r.Removed = f[0] == "remove"; !r.Removed {
			r.Value = []byte(f[3])
		}
		s.step(a, Put{s.ref, r})
	case "get":
		s.step(a, Get{s.ref, point(f[2]), []overlay.Kind{overlay.SIPRegistration}})
	case "find":
		s.step(a, Find{s.ref, point(f[2])})
	case "run":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			t.Fatal(err)
		}
		s.run(d)
	case "view":
		for _, a := range s.actors {
			if a.node == nil {
				continue
			}
			v := a.node.View()
			fmt.Fprintf(&s.out, "    %s: %s <- %s -> %s, size %d, holds", a.name, s.name(v.Pred.ID), a.name, s.names(v.Succ), v.Size)
			for _, e := range a.node.shelf.entries {
				fmt.Fprintf(&s.out, " %s", s.record(e.rec))
			}
			s.out.WriteString("\n")
		}
	default:
		t.Fatalf("what is %q?", f[0])
	}
}
