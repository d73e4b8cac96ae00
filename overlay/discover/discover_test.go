package discover

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chordophone/overlay"
)

// cable joins services in memory. It is a hub: what one says all hear, itself too.
type cable struct {
	mu    sync.Mutex
	ports []*port
}

// port is one service's end of a cable.
type port struct {
	cable   *cable
	state   linkState
	changed chan struct{}
	queue   chan packet

	// under cable.mu
	plugged bool
	closed  bool
}

func (c *cable) plug(s *Service) *port {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &port{cable: c, state: wire(len(c.ports)), changed: make(chan struct{}, 1), queue: make(chan packet, 100), plugged: true}
	c.ports = append(c.ports, p)
	s.open = func() (network, error) { return p, nil }
	return p
}

func (p *port) set(plugged bool) {
	p.cable.mu.Lock()
	p.plugged = plugged
	p.cable.mu.Unlock()
	p.changed <- struct{}{}
}

func (p *port) Links([]string) []linkState {
	p.cable.mu.Lock()
	defer p.cable.mu.Unlock()
	if !p.plugged {
		return nil
	}
	return []linkState{p.state}
}

func (p *port) Send(id linkID, data []byte) error {
	p.cable.mu.Lock()
	defer p.cable.mu.Unlock()
	if !p.plugged || p.closed || id != p.state.linkID {
		return errors.New("no carrier")
	}
	for _, to := range p.cable.ports {
		if to.plugged && !to.closed {
			to.queue <- packet{to.state.linkID, netip.AddrPortFrom(p.state.Addrs[0].Addr(), mdnsPort), data}
		}
	}
	return nil
}

func (p *port) Changed() <-chan struct{} { return p.changed }
func (p *port) Receive() <-chan packet   { return p.queue }
func (p *port) Dropped() uint64          { return 0 }
func (p *port) Close() error {
	p.cable.mu.Lock()
	defer p.cable.mu.Unlock()
	p.closed = true
	return nil
}

func newTestService(t *testing.T, i int, enrolling func() bool) *Service {
	t.Helper()
	s, err := New(Config{
		Self:      overlay.Peer{ID: testID(i), Addr: netip.MustParseAddrPort("0.0.0.0:6084")},
		Office:    "Acme",
		Extension: "101",
		Enrolling: enrolling,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ids(list []overlay.Peer) (out []overlay.ID) {
	for _, p := range list {
		if !slices.Contains(out, p.ID) {
			out = append(out, p.ID)
		}
	}
	return out
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			hub  cable
			open sync.Mutex // held: enrolment is closed
		)
		enrolling := func() bool {
			if !open.TryLock() {
				return false
			}
			open.Unlock()
			return true
		}
		x, y := newTestService(t, 1, nil), newTestService(t, 2, enrolling)
		px, _ := hub.plug(x), hub.plug(y)
		ctx, cancel := context.WithCancel(t.Context())
		ctxY, cancelY := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { mustRun(t, x, ctx) })
		done.Go(func() { mustRun(t, y, ctxY) })

		start := time.Now()
		got := <-x.Heard()
		want := []overlay.Peer{
			{ID: testID(2), Addr: netip.MustParseAddrPort("169.254.1.2:6084")},
			{ID: testID(2), Addr: netip.MustParseAddrPort("[fe80::2%eth0]:6084")},
		}
		if !slices.Equal(got, want) || time.Since(start) > time.Second {
			t.Errorf("heard %v after %v", got, time.Since(start))
		}

		ask := func() []Office {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			s := newService(nil, netip.Addr{}, nil, nil)
			hub.plug(s)
			list, err := offices(ctx, s)
			if err != nil || len(list) != 1 || list[0].Name != "Acme" || len(ids(list[0].Peers)) != 2 {
				t.Fatalf("offices %+v, %v", list, err)
			}
			return list
		}
		if o := ask()[0]; !o.Enrolling() || !slices.Equal(o.Open, want) {
			t.Errorf("open at %v", o.Open)
		}
		open.Lock()
		time.Sleep(2 * time.Second)
		if o := ask()[0]; o.Enrolling() {
			t.Errorf("still open at %v", o.Open)
		}
		open.Unlock()

		// Nobody has taken lists meanwhile; the last one is there.
		px.set(false)
		time.Sleep(time.Second)
		if got := <-x.Heard(); len(got) != 0 {
			t.Errorf("without a cable: heard %v", got)
		}
		px.set(true)
		if got := <-x.Heard(); !slices.Equal(got, want) {
			t.Errorf("with the cable again: heard %v", got)
		}

		cancelY() // says goodbye
		start = time.Now()
		for len(<-x.Heard()) != 0 {
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("goodbye heard after %v", d)
		}
		cancel()
		done.Wait()
		if s := x.Stats(); s.Sent < 5 || s.Received < 5 || s.Dropped != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func mustRun(t *testing.T, s *Service, ctx context.Context) {
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestNew(t *testing.T) {
	good := Config{Self: overlay.Peer{ID: testID(1)}, Office: "Acme", Extension: "101"}
	for _, c := range []struct {
		what string
		edit func(*Config)
		err  string // part of it; "" for none
	}{
		{"good", func(*Config) {}, ""},
		{"bound", func(c *Config) { c.Self.Addr = netip.MustParseAddrPort("192.168.1.5:6084") }, ""},
		{"bound to all", func(c *Config) { c.Self.Addr = netip.MustParseAddrPort("[::]:6084") }, ""},
		{"loopback", func(c *Config) { c.Self.Addr = netip.MustParseAddrPort("127.0.0.11:6084") }, "no multicast"},
		{"loopback 6", func(c *Config) { c.Self.Addr = netip.MustParseAddrPort("[::1]:6084") }, "no multicast"},
		{"loopback 4 in 6", func(c *Config) { c.Self.Addr = netip.MustParseAddrPort("[::ffff:127.0.0.1]:6084") }, "no multicast"},
		{"no office", func(c *Config) { c.Office = "" }, "office"},
		{"long office", func(c *Config) { c.Office = strings.Repeat("x", 65) }, "office"},
		{"bad extension", func(c *Config) { c.Extension = "1 0" }, "extension"},
		{"no ID", func(c *Config) { c.Self.ID = overlay.ID{} }, "Node-ID"},
	} {
		cfg := good
		c.edit(&cfg)
		s, err := New(cfg)
		switch {
		case c.err == "" && (err != nil || s == nil):
			t.Errorf("%s: %v", c.what, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: %v, want an error about %q", c.what, err, c.err)
		}
		if got, want := errors.Is(err, ErrNoMulticast), c.err == "no multicast"; got != want {
			t.Errorf("%s: ErrNoMulticast %v", c.what, got)
		}
	}
}

func TestRunWithoutSockets(t *testing.T) {
	s := newTestService(t, 1, nil)
	cause := errors.New("address in use")
	s.open = func() (network, error) { return nil, cause }
	if err := s.Run(t.Context()); !errors.Is(err, ErrNoMulticast) || !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
}

func TestBucket(t *testing.T) {
	now := time.Now()
	b := bucket{tokens: maxRate, at: now}
	n := 0
	for range 10_000 { // two seconds
		if b.take(now) {
			n++
		}
		now = now.Add(200 * time.Microsecond)
	}
	if n < 3*maxRate-1 || n > 3*maxRate+1 {
		t.Errorf("%d packets in two seconds", n)
	}
}
