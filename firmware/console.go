package firmware

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"

	"chordophone/firmware/manage"
	"chordophone/overlay"
	"chordophone/overlay/audit"
	"chordophone/overlay/chord"
	"chordophone/overlay/identity"
)

// console is what the SSH console needs of the appliance: it implements
// manage.Phone.
type console struct{ *appliance }

func (c console) Version() manage.Version {
	return manage.Version{Version: c.version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
}

func (c console) Status(ctx context.Context) (manage.Status, error) {
	view := c.node.View()
	s := manage.Status{
		Extension:   strconv.Itoa(c.member.Extension()),
		Office:      c.member.Office(),
		Node:        c.self.ID.String(),
		Address:     c.self.Addr.Addr().String(),
		UptimeS:     int64(time.Since(c.started).Seconds()),
		Ready:       c.register.bound.Load(),
		Enrolling:   c.door.isOpen(),
		Version:     c.version,
		Calls:       len(c.ledger.calls()),
		MemoryBytes: residentMemory(),
		Problems:    []manage.Problem{},
		Ring: manage.RingSummary{
			Size:        view.Size,
			Predecessor: name(view.Pred),
			Successors:  names(view.Succ),
		},
	}
	s.Clock, _ = c.Clock(ctx)
	for _, l := range c.ledger.calls() {
		if l.Sound.R > 0 {
			s.Sound = l.Sound
			break
		}
	}
	if list, err := c.Registrations(ctx); err == nil {
		s.Registrations = len(list)
	}
	if err := c.db.Load(func(overlay.Record) error { s.Records++; return nil }); err != nil {
		s.Problems = append(s.Problems, manage.Problem{Text: err.Error(), Hint: "is the card full or worn out?"})
	}
	if !s.Ready {
		s.Problems = append(s.Problems, manage.Problem{Text: "this phone cannot be called yet", Hint: "see the log; it goes on trying"})
	}
	return s, nil
}

func (c console) Ring(ctx context.Context) (manage.Ring, error) {
	view := c.node.View()
	r := manage.Ring{
		Self:       c.self.ID.String(),
		Joined:     view.Joined,
		Size:       view.Size,
		Successors: names(view.Succ),
		Fingers:    names(view.Fingers),
	}
	before := []overlay.Peer{view.Pred}
	if body, err := c.node.Ask(ctx, c.self, chord.Ping{}); err == nil {
		before = body.(chord.Pong).Table.Pred
	}
	r.Predecessors = names(before)
	extensions := c.extensions(ctx)
	for _, p := range append(neighbours(view), c.self) {
		r.Peers = append(r.Peers, manage.Peer{Node: p.ID.String(), Extension: extensions[p.ID], Address: p.Addr.String()})
	}
	return r, nil
}

// extensions are the members' numbers by node.
func (c console) extensions(ctx context.Context) map[overlay.ID]string {
	out := make(map[overlay.ID]string)
	list, err := c.members.List(ctx)
	if err != nil {
		c.log.Debug("members not read", "err", err)
	}
	for _, m := range list {
		out[m.Node] = strconv.Itoa(m.Extension)
	}
	return out
}

func (c console) Members(ctx context.Context) ([]manage.Member, error) {
	list, err := c.members.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []manage.Member
	for _, m := range list {
		one := manage.Member{
			Node:      m.Node.String(),
			Extension: strconv.Itoa(m.Extension),
			Self:      m.Node == c.self.ID,
			Founder:   m.Node == c.self.ID && c.member.Founder(),
			Revoked:   c.revocations.Has(m.Node),
		}
		if peer, _, err := c.node.Find(ctx, m.Node); err == nil && peer.ID == m.Node {
			one.Online, one.Address = true, peer.Addr.String()
		}
		out = append(out, one)
	}
	return out, nil
}

func (c console) Registrations(ctx context.Context) ([]manage.Registration, error) {
	list, err := c.members.List(ctx)
	if err != nil {
		return nil, err
	}
	var users []string
	for _, m := range list {
		users = append(users, m.User)
	}
	accounts, err := c.accounts.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range accounts {
		users = append(users, one.User+"@"+c.member.Office())
	}
	var out []manage.Registration
	for _, user := range users {
		aor := "sip:" + user
		places, err := c.clients.Places(ctx, aor)
		if err != nil {
			return nil, err
		}
		for _, p := range places {
			out = append(out, manage.Registration{
				AOR: aor, Contact: p.Contact, Node: p.Node.String(), ExpiresS: int64(p.Expires.Seconds()),
				Client: p.Client(), Agent: p.Agent,
			})
		}
	}
	return out, nil
}

func (c console) Lookup(ctx context.Context, aor string) (manage.Lookup, error) {
	t, err := c.Trace(ctx, aor)
	return manage.Lookup{AOR: t.AOR, Bindings: t.Bindings, Hops: len(t.Hops), MS: t.MS}, err
}

func (c console) Trace(ctx context.Context, aor string) (manage.Trace, error) {
	began := time.Now()
	places, err := c.clients.Places(ctx, aor)
	if err != nil {
		return manage.Trace{}, err
	}
	t := manage.Trace{AOR: aor, Bindings: []manage.Binding{}, MS: ms(time.Since(began))}
	for _, p := range places {
		t.Bindings = append(t.Bindings, manage.Binding{
			Contact: p.Contact, Node: p.Node.String(), ExpiresS: int64(p.Expires.Seconds()),
			Client: p.Client(), Agent: p.Agent,
		})
	}
	resource := c.places.Resource(aor)
	t.Resource = resource.String()
	began = time.Now()
	owner, path, err := c.node.Find(ctx, resource)
	if err != nil {
		return t, err
	}
	took := ms(time.Since(began))
	extensions, known := c.extensions(ctx), neighbours(c.node.View())
	for _, id := range path {
		hop := manage.Hop{Peer: manage.Peer{Node: id.String(), Extension: extensions[id]}}
		if i := slices.IndexFunc(known, func(p overlay.Peer) bool { return p.ID == id }); i >= 0 {
			hop.Address = known[i].Addr.String()
		}
		if id == owner.ID {
			hop.Address, hop.MS = owner.Addr.String(), took
		}
		t.Hops = append(t.Hops, hop)
	}
	return t, nil
}

func (c console) Audit(ctx context.Context) (manage.Audit, error) {
	began := time.Now()
	r, err := audit.Run(ctx, c.node, chord.LAN().Replicas)
	if err != nil {
		return manage.Audit{}, err
	}
	out := manage.Audit{
		OK: r.Good(), Closed: r.Closed, Nodes: len(r.Nodes),
		Records: r.Records, Copies: r.Copies, Missing: r.Lacking, Repaired: r.Repaired,
		Findings: []manage.Finding{}, MS: ms(time.Since(began)),
	}
	for _, p := range r.Problems {
		out.Findings = append(out.Findings, manage.Finding{Problem: p})
	}
	return out, nil
}

func (c console) Revoke(ctx context.Context, node string) error {
	id, err := overlay.ParseID(node)
	if err != nil {
		return err
	}
	return c.revocations.Revoke(ctx, id)
}

func (c console) OpenEnrolment(context.Context) (manage.Enrolment, error) {
	code := c.door.Open()
	if code == "" {
		return manage.Enrolment{}, identity.ErrTooDeep
	}
	c.desk.events.tell(enrolling(code))
	return manage.Enrolment{Open: true, Code: code, LeftS: int64(enrolTime.Seconds())}, nil
}

func (c console) OpenEnrolmentFor(ctx context.Context, extension string) (manage.Enrolment, error) {
	e := manage.Enrolment{Open: true, Extension: extension, LeftS: int64(enrolTime.Seconds())}
	if old := c.members.Node(extension); !old.IsZero() && old != c.self.ID {
		at, _, err := c.node.Find(ctx, old)
		if err != nil {
			return manage.Enrolment{}, err
		}
		if at.ID == old {
			return manage.Enrolment{}, fmt.Errorf("extension %s: %w", extension, identity.ErrAlive)
		}
		e.Replaces = old.String()
		if seen := c.directory.lastSeen(extension + "@" + c.member.Office()); !seen.IsZero() {
			e.SeenS = int64(time.Since(seen).Seconds()) + 1
		}
	}
	var err error
	if e.Code, err = c.door.OpenFor(extension); err != nil {
		return manage.Enrolment{}, err
	}
	c.desk.events.tell(enrolling(e.Code))
	return e, nil
}

func (c console) CloseEnrolment(context.Context) error {
	c.door.Close()
	c.desk.events.tell(enrolling(""))
	return nil
}

func (c console) Calls(_ context.Context, n int) ([]manage.Call, error) {
	var out []manage.Call
	for _, l := range c.ledger.calls() {
		out = append(out, manage.Call{
			State: l.state, Start: l.Start, DurationS: time.Since(l.began).Seconds(), Incoming: l.Incoming, Number: l.Number,
			Sound: l.Sound,
		})
	}
	log, err := c.db.Calls(n)
	for _, l := range log {
		out = append(out, manage.Call{
			State: "ended", Start: l.Start, DurationS: l.Duration.Seconds(), Incoming: l.Incoming,
			Number: l.Number, Name: l.Name, Cause: l.Cause, Status: l.Status, Sound: l.Sound,
		})
	}
	return out, err
}

func (c console) Capture(ctx context.Context, w io.Writer) error {
	_, err := c.frames.Run(ctx, w)
	return err
}

func (c console) Dump(_ context.Context, w io.Writer) error {
	if err := c.node.Dump(w); err != nil {
		return err
	}
	return c.desk.recorder.dump(w)
}

func (c console) Log(ctx context.Context, w io.Writer, follow bool) error {
	return c.logs.print(ctx, w, follow)
}

// name is a node's, "" for none.
func name(p overlay.Peer) string {
	if p.ID.IsZero() {
		return ""
	}
	return p.ID.String()
}

func names(peers []overlay.Peer) []string {
	out := make([]string, 0, len(peers))
	for _, p := range peers {
		out = append(out, name(p))
	}
	return out
}

// ms is a duration in milliseconds.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// residentMemory is what the process holds in memory, in bytes.
func residentMemory() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if fields := bytes.Fields(text); err == nil && len(fields) > 1 {
		if pages, err := strconv.ParseUint(string(fields[1]), 10, 64); err == nil {
			return pages * uint64(os.Getpagesize())
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}
