package chord

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"chordophone/overlay"
)

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
