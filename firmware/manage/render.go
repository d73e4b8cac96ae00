package manage

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"chordophone/hal"
)

// What commands print for people, one function each.

func writeStatus(p *page, s Status) {
	ready := "no: it cannot call and be called yet"
	if s.Ready {
		ready = "yes"
	}
	ring := "this phone is alone"
	if s.Ring.Size > 1 {
		ring = fmt.Sprintf("%d phones", s.Ring.Size)
		if s.Ring.Predecessor != "" && len(s.Ring.Successors) > 0 {
			ring += fmt.Sprintf("; %s before, %s after this one", short(s.Ring.Predecessor), short(s.Ring.Successors[0]))
		}
	}
	enrolment := ""
	if s.Enrolling {
		enrolment = "open: new phones are let in"
	}
	p.fields(
		[2]string{"extension", s.Extension},
		[2]string{"name", s.Name},
		[2]string{"office", s.Office},
		[2]string{"ready", ready},
		[2]string{"calls", fmt.Sprintf("%d in progress", s.Calls)},
		[2]string{"registrations", strconv.Itoa(s.Registrations)},
		[2]string{"ring", ring},
		[2]string{"enrolment", enrolment},
		[2]string{"clock", s.Clock.line()},
		[2]string{"address", s.Address},
		[2]string{"node", s.Node},
		[2]string{"records", strconv.Itoa(s.Records)},
		[2]string{"memory", size(s.MemoryBytes)},
		[2]string{"uptime", span(seconds(s.UptimeS))},
		[2]string{"version", s.Version},
	)
	for _, x := range s.Problems {
		text := "problem: " + x.Text
		if x.Hint != "" {
			text += " (hint: " + x.Hint + ")"
		}
		p.line("%s", text)
	}
	switch {
	case s.Ring.Size <= 1:
		p.hint("no other phone is heard: enrol open lets new phones in; phones that belong to the office must be on the same network")
	case !s.Ready:
		p.hint("log says what it waits for")
	}
	if !s.Clock.Known {
		p.hint("the time of day may be wrong: clock set TIME sets it, and help clock says how")
	}
}

func writeMembers(p *page, members []Member) {
	rows := [][]string{{"EXT", "NAME", "STATE", "ADDRESS", "NODE", ""}}
	online := 0
	for _, m := range members {
		state, note := "away", ""
		switch {
		case m.Revoked:
			state = "revoked"
		case m.Self:
			state = "this phone"
		case m.Online:
			state = "online"
		}
		if m.Founder {
			note = "founder"
		}
		if !m.Revoked && (m.Self || m.Online) {
			online++
		}
		rows = append(rows, []string{m.Extension, m.Name, state, m.Address, short(m.Node), note})
	}
	p.table(rows...)
	p.line("%s, %d online", count(len(members), "phone", "phones"), online)
	if len(members) <= 1 {
		p.hint("enrol open lets new phones in")
	}
}

func writeRegistrations(p *page, list []Registration) {
	if len(list) == 0 {
		p.line("nobody is registered")
		p.hint("a phone registers itself when it is in the ring: status says whether it is")
		return
	}
	rows := [][]string{{"ADDRESS", "CONTACT", "NODE", "EXPIRES IN", "CLIENT"}}
	for _, r := range list {
		rows = append(rows, []string{bare(r.AOR), r.Contact, short(r.Node), span(seconds(r.ExpiresS)), client(r.Client, r.Agent)})
	}
	p.table(rows...)
}

func writeCalls(p *page, calls []Call) {
	if len(calls) == 0 {
		p.line("no calls")
		return
	}
	rows := [][]string{{"START", "", "NUMBER", "NAME", "STATE", "TALKED", "SOUND", "CAUSE"}}
	for _, c := range calls {
		direction, talked, cause := "to", "", c.Cause
		if c.Incoming {
			direction = "from"
		}
		if c.DurationS > 0 {
			talked = span(time.Duration(c.DurationS * float64(time.Second)))
		}
		if c.Status > 0 {
			cause = strings.TrimSpace(fmt.Sprintf("%s (%d)", cause, c.Status))
		}
		rows = append(rows, []string{c.Start.Format("2006-01-02 15:04:05"), direction, c.Number, c.Name, c.State, talked, sound(c.Sound), cause})
	}
	p.table(rows...)
}

// sound is how a call sounded: the opinion that it stands for, and the codec.
func sound(s hal.Sound) string {
	if s.R == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f %s", s.MOSCQ, s.Codec)
}

func writeLookup(p *page, l Lookup) {
	writeBindings(p, l.AOR, l.Bindings)
	p.line("%s, %s", count(l.Hops, "hop", "hops"), ms(l.MS))
}

func writeBindings(p *page, aor string, bindings []Binding) {
	if len(bindings) == 0 {
		p.line("%s is not registered now", bare(aor))
		p.hint("members says whether its phone is online, accounts list whether it is an account")
		return
	}
	rows := [][]string{{"CONTACT", "NODE", "EXPIRES IN", "CLIENT"}}
	for _, b := range bindings {
		rows = append(rows, []string{b.Contact, short(b.Node), span(seconds(b.ExpiresS)), client(b.Client, b.Agent)})
	}
	p.line("%s is reached at", bare(aor))
	p.table(rows...)
}

// client says which program an existing client is, "" for a phone of the office.
func client(is bool, agent string) string {
	if is && agent == "" {
		return "unnamed"
	}
	return agent
}

func writeTrace(p *page, t Trace) {
	p.line("%s is kept at point %s of the ring", bare(t.AOR), short(t.Resource))
	rows := [][]string{{"HOP", "NODE", "EXT", "ADDRESS", "AFTER", ""}}
	for i, h := range t.Hops {
		note := ""
		if i == len(t.Hops)-1 {
			note = "responsible"
		}
		rows = append(rows, []string{strconv.Itoa(i + 1), short(h.Node), h.Extension, h.Address, ms(h.MS), note})
	}
	if len(t.Hops) > 0 {
		p.table(rows...)
	} else {
		p.line("this phone is responsible for it: no hops")
	}
	writeBindings(p, t.AOR, t.Bindings)
	p.line("took %s", ms(t.MS))
}

func writeRing(p *page, r Ring) {
	known := make(map[string]Peer)
	for _, x := range r.Peers {
		known[x.Node] = x
	}
	rows := [][]string{{"", "NODE", "EXT", "ADDRESS"}}
	add := func(what, node string) {
		rows = append(rows, []string{what, short(node), known[node].Extension, known[node].Address})
	}
	for i := len(r.Predecessors) - 1; i >= 0; i-- {
		add(fmt.Sprintf("predecessor %d", i+1), r.Predecessors[i])
	}
	add("this phone", r.Self)
	for i, node := range r.Successors {
		add(fmt.Sprintf("successor %d", i+1), node)
	}
	for i, node := range r.Fingers {
		add(fmt.Sprintf("finger %d", i+1), node)
	}
	p.table(rows...)
	switch {
	case !r.Joined:
		p.line("not in the ring yet")
		p.hint("log says what it waits for")
	case r.Size <= 1:
		p.line("alone: no other phone of the office is heard")
	default:
		p.line("about %d phones", r.Size)
	}
}

func writeAudit(p *page, a Audit) {
	closed := "NOT CLOSED"
	if a.Closed {
		closed = "closed"
	}
	p.fields(
		[2]string{"ring", fmt.Sprintf("%s, %s", closed, count(a.Nodes, "phone", "phones"))},
		[2]string{"records", fmt.Sprintf("%d, in %s", a.Records, count(a.Copies, "copy", "copies"))},
		[2]string{"missing", strconv.Itoa(a.Missing)},
		[2]string{"differing", strconv.Itoa(a.Differing)},
		[2]string{"repaired", strconv.Itoa(a.Repaired)},
		[2]string{"took", ms(a.MS)},
	)
	if len(a.Findings) > 0 {
		rows := [][]string{{"NODE", "RESOURCE", "KIND", "PROBLEM", ""}}
		for _, f := range a.Findings {
			note := "stays"
			if f.Repaired {
				note = "repaired"
			}
			rows = append(rows, []string{short(f.Node), short(f.Resource), f.Kind, f.Problem, note})
		}
		p.WriteByte('\n')
		p.table(rows...)
	}
	if a.OK {
		p.line("all is well")
	}
}

func writeEnrolment(p *page, e Enrolment) {
	if !e.Open {
		p.line("enrolment is closed")
		return
	}
	left := "until enrol close"
	if e.LeftS > 0 {
		left = "for " + span(seconds(e.LeftS))
	}
	p.line("enrolment is open %s; pairing code %s", left, e.Code)
	switch {
	case e.Replaces != "" && e.SeenS > 0:
		p.line("for one phone, in the place of %s (node %s), last seen %s ago", e.Extension, short(e.Replaces), span(seconds(e.SeenS)))
	case e.Replaces != "":
		p.line("for one phone, in the place of %s (node %s), not seen since this phone was started", e.Extension, short(e.Replaces))
	case e.Extension != "":
		p.line("for one phone, which will be %s: nobody has that extension now", e.Extension)
	}
	if e.Replaces != "" {
		p.line("the old phone is shut out for ever as soon as the new one is in; enrol close if that is not what you want")
	}
	p.hint("dial the code on the new phone, or start it with --join %s; members shows it when it is in", e.Code)
}

func writeRevoked(p *page, m Member) {
	p.line("extension %s (node %s) is shut out of the office", m.Extension, short(m.Node))
	p.hint("enrol replace %s gives its extension, contacts and unread messages to another phone, or to this one if it comes back empty", m.Extension)
	p.hint("whoever opens the phone can log in with the accounts that it knew: give them new passwords with accounts remove and accounts add")
}

func writeCaptured(p *page, c captured) {
	p.line("captured %s", size(uint64(c.Bytes)))
	if c.Dropped > 0 {
		p.line("%d packets lost: the reader is too slow", c.Dropped)
	}
}

func writeVersion(p *page, v Version) {
	p.line("chordophone %s (%s, %s/%s)", v.Version, v.Go, v.OS, v.Arch)
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

func ms(x float64) string {
	if x >= 1000 {
		return fmt.Sprintf("%.1f s", x/1000)
	}
	return fmt.Sprintf("%.1f ms", x)
}

// bare is an address of record without its scheme.
func bare(aor string) string { return strings.TrimPrefix(aor, "sip:") }
