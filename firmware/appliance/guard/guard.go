package guard

import (
	"fmt"
	"strings"
	"time"

	"chordophone/firmware/appliance/beat"
)

// Guard is the state machine of PID 1.
type Guard struct {
	cfg      Config
	began    time.Time
	kids     [programs]kid
	feedAt   time.Time
	safe     bool      // the telephone goes without its configuration
	good     bool      // the system on trial is
	leaving  How       // "": not
	leaveBy  time.Time // whoever is still there then is left behind
	gone     bool      // and that was the last of it
	address  string    // best of the machine, "": none
	addrAt   time.Time // since when
	usedAddr string    // that the telephone was started with
	renew    string    // why the telephone is to be started anew, "": it is not
}

// kid is one program.
type kid struct {
	state   state
	startAt time.Time // of waiting; zero: not by itself
	killAt  time.Time // of ending
	hung    bool      // of ending
	since   time.Time // it runs
	heardAt time.Time // its last heartbeat; zero: none yet
	busy    bool
	pulses  []pulse
	asked   bool // to end; it need not wait to start again
	short   int  // lives in a row
}

type state uint8

const (
	waiting state = iota
	running
	ending
)

type pulse struct {
	beat.Pulse
	at time.Time // it last changed
}

// New makes a Guard; its first event is Begin.
func New(cfg Config) *Guard { return &Guard{cfg: cfg} }

// Next is when a Tick is due.
func (g *Guard) Next() time.Time {
	next := g.feedAt
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	for i := range g.kids {
		k := &g.kids[i]
		switch k.state {
		case waiting:
			if g.leaving == "" {
				sooner(k.startAt)
			}
		case running:
			t, _ := k.dueAt()
			sooner(t)
		case ending:
			sooner(k.killAt)
		}
	}
	if g.moves() {
		sooner(g.addrAt.Add(settled))
	}
	if g.onTrial() {
		sooner(g.began.Add(maxTrial))
	}
	sooner(g.leaveBy)
	return next
}

// Step takes one event in. What it returns is to be done in order.
func (g *Guard) Step(now time.Time, ev Event) (do []Action) {
	switch ev := ev.(type) {
	case Begin:
		g.began, g.feedAt, g.addrAt = now, now, now
		g.kids[Network].startAt = now
		g.kids[Telephone].startAt = now.Add(patience)
	case Exited:
		do = g.exited(now, ev)
	case Said:
		do = g.said(now, ev)
	case Renew:
		g.renew = ev.Why
	case Ask:
		do = g.leave(now, ev.How, "asked from outside")
	case Tick:
	}
	return append(do, g.tick(now)...)
}

// tick does what is due.
func (g *Guard) tick(now time.Time) (do []Action) {
	for p := range programs {
		do = append(do, g.watch(now, p)...)
	}
	if g.moves() && !now.Before(g.addrAt.Add(settled)) {
		do = append(do, Note{fmt.Sprintf("the machine is at %s now: the telephone moves", g.address)})
		do = append(do, g.end(now, Telephone)...)
	}
	if g.renew != "" && g.free() {
		do = append(do, Note{"the telephone is started anew: " + g.renew})
		do = append(do, g.end(now, Telephone)...)
	}
	if g.onTrial() && !now.Before(g.began.Add(maxTrial)) {
		do = append(do, g.leave(now, Reboot, "nobody has called this system good")...)
	}
	if !now.Before(g.feedAt) {
		g.feedAt = now.Add(feedEvery)
		if !g.kids[Telephone].hung && !g.gone {
			do = append(do, Feed{})
		}
	}
	return append(do, g.left(now)...)
}

// watch looks after one program.
func (g *Guard) watch(now time.Time, p Program) (do []Action) {
	k := &g.kids[p]
	switch k.state {
	case waiting:
		if g.leaving != "" || k.startAt.IsZero() || now.Before(k.startAt) {
			return nil
		}
		*k = kid{state: running, since: now, short: k.short}
		if p == Telephone {
			g.usedAddr, g.renew = g.address, ""
		}
		return []Action{Start{p, p == Telephone && g.safe}}
	case running:
		if t, why := k.dueAt(); !now.Before(t) {
			k.state, k.hung, k.killAt = ending, true, now.Add(killAfter)
			return []Action{Note{fmt.Sprintf("the %v hangs: %s", p, why)}, End{p, Quit}}
		}
	case ending:
		if !k.killAt.IsZero() && !now.Before(k.killAt) {
			k.killAt = time.Time{}
			return []Action{End{p, Kill}}
		}
	}
	return nil
}

// dueAt is when a running program hangs unless it says something first.
func (k *kid) dueAt() (t time.Time, why string) {
	if k.heardAt.IsZero() {
		return k.since.Add(grace), "no heartbeat since its start"
	}
	t, why = k.heardAt.Add(fresh), "no heartbeat"
	for _, p := range k.pulses {
		if at := p.at.Add(fresh); at.Before(t) {
			t, why = at, "its loop "+p.Loop+" does not answer"
		}
	}
	return t, why
}

// exited takes that a program has ended.
func (g *Guard) exited(now time.Time, ev Exited) (do []Action) {
	k := &g.kids[ev.Program]
	if k.state == waiting {
		return nil
	}
	lived := now.Sub(k.since)
	do = append(do, Note{fmt.Sprintf("the %v ended with code %d after %v", ev.Program, ev.Code, lived.Round(time.Second))})
	if lived >= longLife {
		k.short = 0
	}
	wait := soon
	refused := ev.Code == codeUsage && k.heardAt.IsZero() && lived < firstWords // a panic has this code, too
	switch {
	case k.asked && !k.hung:
	case ev.Program == Telephone && refused && !g.safe:
		g.safe = true
		do = append(do, Note{"the telephone is started without its configuration, which it refused"})
	case refused || ev.Code == codePerson:
		wait = maxBackoff
	default:
		k.short++
		wait = min(time.Second<<min(k.short-1, 10), maxBackoff)
	}
	*k = kid{startAt: now.Add(wait), short: k.short}
	if ev.Program == Telephone && k.short >= maxLives {
		k.short = 0
		do = append(do, g.leave(now, Reboot, fmt.Sprintf("%d short lives of the %v in a row", maxLives, ev.Program))...)
	}
	return do
}

// said takes what a program told.
func (g *Guard) said(now time.Time, ev Said) []Action {
	k := &g.kids[ev.Program]
	if k.state == waiting {
		return nil
	}
	m := ev.Message
	switch m.Kind {
	case beat.Alive:
		k.heardAt, k.busy = now, m.Busy
		k.answered(now, m.Pulses)
	case beat.Named:
		if validName(m.Text) {
			return []Action{Name{m.Text}}
		}
	case beat.Located:
		if ev.Program == Network {
			g.located(now, m.Text)
		}
	case beat.Commit:
		if !g.good && g.cfg.Trial {
			g.good = true
			return []Action{Note{"the system on trial is good"}}
		}
	case beat.Reboot, beat.TryBoot, beat.PowerOff:
		return g.leave(now, How(m.Kind), "the "+ev.Program.String()+" asks for it")
	}
	return nil
}

// answered takes the counts of a program's loops: one that is new, or has changed,
// lives.
func (k *kid) answered(now time.Time, all []beat.Pulse) {
	next := make([]pulse, 0, len(all))
	for _, p := range all {
		at := now
		for _, old := range k.pulses {
			if old.Pulse == p {
				at = old.at
			}
		}
		next = append(next, pulse{p, at})
	}
	k.pulses = next
}

// located takes the machine's best address. A telephone that waits for one starts.
func (g *Guard) located(now time.Time, address string) {
	if address == g.address {
		return
	}
	g.address, g.addrAt = address, now
	k := &g.kids[Telephone]
	if address != "" && k.state == waiting && k.short == 0 && k.startAt.After(now) && !g.safe {
		k.startAt = now
	}
}

// moves reports whether the telephone is to be started anew at another address.
func (g *Guard) moves() bool {
	return g.free() && g.address != "" && g.address != g.usedAddr
}

// free reports whether the telephone can be ended without cutting somebody off.
func (g *Guard) free() bool {
	k := &g.kids[Telephone]
	return g.leaving == "" && k.state == running && !k.busy
}

func (g *Guard) onTrial() bool { return g.cfg.Trial && !g.good && g.leaving == "" }

// end tells a program to end in order.
func (g *Guard) end(now time.Time, p Program) []Action {
	k := &g.kids[p]
	if k.state != running {
		return nil
	}
	k.state, k.asked, k.killAt = ending, true, now.Add(leaveAfter)
	return []Action{End{p, Term}}
}

// leave begins to end it all.
func (g *Guard) leave(now time.Time, how How, why string) []Action {
	if g.leaving != "" {
		return nil
	}
	g.leaving, g.leaveBy = how, now.Add(leaveAfter+2*killAfter)
	return append([]Action{Note{fmt.Sprintf("%s: %s", how, why)}}, g.end(now, Telephone)...)
}

// left ends the network after the telephone, which needs it to take its leave, and the
// machine after both.
func (g *Guard) left(now time.Time) (do []Action) {
	switch {
	case g.leaving == "" || g.gone:
		return nil
	case now.Before(g.leaveBy) && g.kids[Telephone].state != waiting:
		return nil
	case now.Before(g.leaveBy) && g.kids[Network].state != waiting:
		return g.end(now, Network)
	}
	g.gone, g.leaveBy = true, time.Time{}
	return []Action{Leave{g.leaving}}
}

// validName reports whether a machine can be called so. // RFC 1123, section 2.1
func validName(s string) bool {
	return s != "" && len(s) <= 63 && s[0] != '-' && s[len(s)-1] != '-' &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
