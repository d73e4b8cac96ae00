package chord

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
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

type actor struct {
	name string
	peer overlay.Peer
	node *Node
	disk []overlay.Record
	life uint64
}

type stage struct {
	now    time.Time
	actors []*actor
	post   []letter // in flight, in order
	cut    [2]string
	out    strings.Builder
	ref    uint64
}

type letter struct {
	at time.Time
	to *actor
	ev Event
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

func point(s string) (x overlay.ID) {
	b, _ := strconv.ParseUint(s, 16, 8)
	x[0] = byte(b)
	return x
}

func (s *stage) actor(name string) *actor {
	i := slices.IndexFunc(s.actors, func(a *actor) bool { return a.name == name })
	if i < 0 {
		panic("no node " + name)
	}
	return s.actors[i]
}

func (s *stage) name(id overlay.ID) string {
	for _, a := range s.actors {
		if a.peer.ID == id {
			return a.name
		}
	}
	return fmt.Sprintf("%x", id[:1])
}

func (s *stage) names(list []overlay.Peer) string {
	var b strings.Builder
	for _, p := range list {
		b.WriteString(s.name(p.ID))
	}
	return b.String()
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

// run lets time pass: letters take a millisecond.
func (s *stage) run(d time.Duration) {
	end := s.now.Add(d)
	for {
		next := end
		var who *actor
		letters := -1
		for i, l := range s.post {
			if !l.at.After(next) && (letters < 0 || l.at.Before(next)) {
				next, letters = l.at, i
			}
		}
		for _, a := range s.actors {
			if a.node == nil {
				continue
			}
			if at := a.node.Next(); !at.IsZero() && at.Before(next) {
				next, who, letters = at, a, -1
			}
		}
		if next.After(s.now) {
			s.now = next
		}
		switch {
		case who != nil:
			s.step(who, Tick{})
		case letters >= 0:
			l := s.post[letters]
			s.post = slices.Delete(s.post, letters, letters+1)
			r, isMessage := l.ev.(Receive)
			switch {
			case l.to.node != nil:
				s.step(l.to, l.ev)
			case isMessage:
				s.post = append(s.post, letter{s.now, s.actor(s.name(r.From.ID)), Lost{l.to.peer.ID}})
			}
		default:
			return
		}
	}
}

func (s *stage) step(a *actor, ev Event) {
	acts := slices.Clone(a.node.Step(s.now, ev))
	if _, ok := ev.(Tick); ok && len(acts) == 0 {
		return
	}
	fmt.Fprintf(&s.out, "    %6d %s %s\n", s.now.Sub(t0).Milliseconds(), a.name, s.event(ev))
	for _, act := range acts {
		switch act := act.(type) {
		case Send:
			to := s.name(act.To.ID)
			fmt.Fprintf(&s.out, "               -> %s %s\n", to, s.message(act.Msg))
			if to+a.name == s.cut[0]+s.cut[1] || a.name+to == s.cut[0]+s.cut[1] {
				continue
			}
			s.post = append(s.post, letter{s.now.Add(time.Millisecond), s.actor(to), Receive{a.peer, act.Msg}})
		case Save:
			i := slices.IndexFunc(a.disk, func(r overlay.Record) bool { return r.Slot() == act.Record.Slot() })
			if i < 0 {
				i = len(a.disk)
				a.disk = append(a.disk, act.Record)
			}
			a.disk[i] = act.Record
			fmt.Fprintf(&s.out, "               save %s\n", s.record(act.Record))
		case Drop:
			fmt.Fprintf(&s.out, "               drop %x\n", act.Slot.Resource[:1])
		case Found:
			fmt.Fprintf(&s.out, "               found %s, %d hops%s\n", s.name(act.Peer.ID), len(act.Path), failed(act.Err))
		case Got:
			fmt.Fprintf(&s.out, "               got%s, %d hops%s\n", s.records(act.Records), act.Hops, failed(act.Err))
		case Kept:
			fmt.Fprintf(&s.out, "               kept on %d disks%s\n", act.Copies, failed(act.Err))
		case Ring:
			fmt.Fprintf(&s.out, "               ring %s <- %s -> %s\n", s.name(act.View.Pred.ID), a.name, s.names(act.View.Succ))
		case Left:
			s.out.WriteString("               left\n")
			a.node = nil
		}
	}
}

func failed(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

func (s *stage) record(r overlay.Record) string {
	if r.Removed {
		return fmt.Sprintf("%x:removed@%d", r.Resource[:1], r.Version)
	}
	return fmt.Sprintf("%x:%s@%d", r.Resource[:1], r.Value, r.Version)
}

func (s *stage) records(list []overlay.Record) (out string) {
	for _, r := range list {
		out += " " + s.record(r)
	}
	return out
}

func (s *stage) event(ev Event) string {
	switch ev := ev.(type) {
	case Receive:
		return s.name(ev.From.ID) + " says " + s.message(ev.Msg)
	case Lost:
		return "lost " + s.name(ev.Peer)
	case Start:
		return "start" + s.records(ev.Records)
	}
	return strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", ev), "chord."))
}

func (s *stage) message(m Message) string {
	b := strings.TrimPrefix(fmt.Sprintf("%T", m.Body), "chord.")
	table := func(t Table) string { return " (" + s.names(t.Pred) + " | " + s.names(t.Succ) + ")" }
	same := func(same bool) string {
		if same {
			return " the same"
		}
		return ""
	}
	switch body := m.Body.(type) {
	case Pong:
		if body.Same {
			b += " the same"
			break
		}
		b += table(body.Table)
	case Joined:
		b += table(body.Table)
	case Update:
		b += table(body.Table)
	case Leave:
		b += table(body.Table)
	case Store:
		b += fmt.Sprintf(" #%d%s", body.Replica, s.records(body.Records))
	case Stored:
		b += fmt.Sprintf(" %d", body.Copies)
	case Fetched:
		b += same(body.Same) + s.records(body.Records)
	case Versions:
		b += same(body.Same)
		for _, h := range body.Held {
			b += fmt.Sprintf(" %x@%d", h.Resource[:1], h.Version)
		}
	case Error:
		b += fmt.Sprintf(" %d %s", body.Code, body.Info)
	}
	if m.To[0].Resource {
		b += fmt.Sprintf(" to whoever has %x", m.To[0].ID[:1])
	} else if len(m.To) > 1 {
		b += " for"
		for _, d := range m.To[1:] {
			b += " " + s.name(d.ID)
		}
	}
	return b
}
