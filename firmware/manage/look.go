package manage

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"chordophone/firmware/dashboard"
)

// look gathers what the dashboard shows for as long as somebody looks at it: what
// this phone knows each second, what must be asked of the ring less often.
func (d *fullScreen) look(ctx context.Context) {
	phone := d.shell.phone
	var beside sync.WaitGroup
	defer beside.Wait()
	last, lamps := new(tail), &lamps{state: make(map[string]string)}
	beside.Go(func() { phone.Log(ctx, last, true) })
	beside.Go(func() { phone.Watch(ctx, lamps.told) })
	again := time.NewTicker(lookEvery)
	defer again.Stop()
	var view dashboard.Snapshot
	var asked time.Time
	for {
		if now := time.Now(); asked.IsZero() || now.Sub(asked) >= askEvery {
			d.ask(ctx, &view)
			asked = now
		}
		d.see(ctx, &view)
		view.Log = last.lines()
		for i := range view.Phones {
			view.Phones[i].State = lamps.of(view.Phones[i].Extension)
		}
		one := view
		one.Phones = slices.Clone(view.Phones)
		d.tell(ctx, dashboard.Data{Snapshot: one})
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// see takes what this phone knows itself.
func (d *fullScreen) see(ctx context.Context, v *dashboard.Snapshot) {
	phone := d.shell.phone
	ctx, cancel := context.WithTimeout(ctx, askEvery)
	defer cancel()
	st, err := phone.Status(ctx)
	if err != nil {
		v.Ready, v.Problem, v.Problems = false, clean(err.Error()), 1
		return
	}
	v.Extension, v.Name, v.Office, v.Version = st.Extension, st.Name, st.Office, st.Version
	v.Ready, v.Ring, v.Uptime = st.Ready, st.Ring.Size, st.UptimeS
	v.Problem, v.Problems = "", len(st.Problems)
	if len(st.Problems) > 0 {
		v.Problem = st.Problems[0].Text
		if hint := st.Problems[0].Hint; hint != "" {
			v.Problem += " (hint: " + hint + ")"
		}
	}
	list, err := phone.Calls(ctx, 20)
	if err != nil {
		return
	}
	v.Calls = v.Calls[:0:0]
	for _, c := range list {
		v.Calls = append(v.Calls, dashboard.Call{
			Incoming: c.Incoming, Number: c.Number, Name: c.Name, State: c.State, Cause: c.Cause,
			Began: c.Start.Format("15:04"), Seconds: int64(c.DurationS),
			MOS: c.Sound.MOSCQ, Loss: c.Sound.Ratio, JitterMS: c.Sound.JitterMS, Codec: c.Sound.Codec,
		})
	}
}

// ask takes what the ring knows.
func (d *fullScreen) ask(ctx context.Context, v *dashboard.Snapshot) {
	phone := d.shell.phone
	ctx, cancel := context.WithTimeout(ctx, askEvery)
	defer cancel()
	members, err := phone.Members(ctx)
	if err != nil {
		return
	}
	extensions := make(map[string]string)
	v.Phones = v.Phones[:0:0]
	for _, m := range members {
		extensions[m.Node] = m.Extension
		v.Phones = append(v.Phones, dashboard.Phone{
			Extension: m.Extension, Name: m.Name, Address: host(m.Address), Node: m.Node,
			Self: m.Self, Online: m.Online || m.Self, Revoked: m.Revoked,
		})
	}
	slices.SortFunc(v.Phones, func(a, b dashboard.Phone) int {
		return cmp.Or(cmp.Compare(len(a.Extension), len(b.Extension)), cmp.Compare(a.Extension, b.Extension), cmp.Compare(a.Node, b.Node))
	})
	registrations, err := phone.Registrations(ctx)
	if err != nil {
		return
	}
	v.Registrations = v.Registrations[:0:0]
	for _, r := range registrations {
		who, _, _ := strings.Cut(bare(r.AOR), "@")
		agent := r.Agent
		if r.Client && agent == "" {
			agent = "unnamed"
		}
		v.Registrations = append(v.Registrations, dashboard.Registration{
			Address: who, Contact: r.Contact, At: cmp.Or(extensions[r.Node], short(r.Node)), Agent: agent, Seconds: r.ExpiresS,
		})
	}
	// Clients first: telephones stand in their own list, too.
	slices.SortStableFunc(v.Registrations, func(a, b dashboard.Registration) int {
		return cmp.Compare(min(len(b.Agent), 1), min(len(a.Agent), 1))
	})
}

// host is an address without its port, which is the same at all telephones.
func host(address string) string {
	if at, err := netip.ParseAddrPort(address); err == nil {
		return at.Addr().String()
	}
	return address
}

// lamps are what the telephones do, as it is told.
type lamps struct {
	mu    sync.Mutex // guards what follows
	state map[string]string
}

func (l *lamps) told(extension, state string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state[extension] = state
}

func (l *lamps) of(extension string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state[extension]
}

// tail keeps the last lines that are written.
type tail struct {
	mu   sync.Mutex // guards what follows
	last []string
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for line := range strings.Lines(string(p)) {
		t.last = append(t.last, strings.TrimSuffix(line, "\n"))
	}
	if n := len(t.last) - tailLines; n > 0 {
		t.last = slices.Delete(t.last, 0, n)
	}
	return len(p), nil
}

func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.last)
}
