package network

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"chordophone/firmware/appliance/beat"
)

// Preferences of interfaces.
const (
	ofCable = 0
	ofWiFi  = 500
)

const (
	lookEvery    = 5 * time.Second  // at the interfaces, besides when the kernel tells
	faultAfter   = 20 * time.Second // without an address
	maxPorts     = 8
	wirelessSign = "wireless" // in /sys/class/net/NAME
)

// faultNone is what people are told who wonder why nobody answers.
var faultNone = beat.Fault{Message: "no network", Hint: "plug the cable in, or check the name and the password of the Wi-Fi network"}

// manager has the ports.
type manager struct {
	sys  string // /sys
	line *beat.Line
	name *namer // nil: none

	mu      sync.Mutex // guards what follows
	ports   []*port    // in the order in which they were found
	located netip.Addr // that process 1 knows
	faulty  bool       // so does it that nothing works
	since   time.Time  // nothing works
	change  chan struct{}
}

// Run is the network program. It ends when ctx is done; the addresses stay. data is the
// data folder.
func Run(ctx context.Context, line *beat.Line, data string) error {
	return run(ctx, line, data, newTimekeeper())
}

// run is Run with somebody who keeps the time.
func run(ctx context.Context, line *beat.Line, data string, keeper *timekeeper) error {
	m := newManager(line)
	set, err := readSettings(filepath.Join(data, settingsFile))
	if err != nil {
		note("%v", err)
	}
	if m.name, err = openNamer(); err != nil {
		note("no multicast DNS: %v", err)
	}
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return line.Run(ctx) })
	work.Go(func() error { return m.name.run(ctx) })
	work.Go(func() error { return m.run(ctx) })
	work.Go(func() error { return keeper.run(ctx, func() []string { return m.servers(set.Clocks) }) })
	if set.WiFi != "" {
		work.Go(func() error { return joinWiFi(ctx, set.WiFi) })
	}
	return work.Wait()
}

func newManager(line *beat.Line) *manager {
	return &manager{sys: "/sys", line: line, since: time.Now(), change: make(chan struct{}, 1)}
}

// note says something for the log.
func note(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().UTC().Format("2006-01-02T15:04:05.000Z")}, args...)...)
}

// run has a port for every interface.
func (m *manager) run(ctx context.Context) error {
	if lo, err := net.InterfaceByName("lo"); err == nil {
		if err := interfaceUp(lo.Index); err != nil {
			note("lo: %v", err)
		}
	}
	done := make(chan struct{})
	defer close(done)
	news := make(chan netlink.LinkUpdate, 64)
	if err := netlink.LinkSubscribe(news, done); err != nil {
		return fmt.Errorf("news of interfaces: %w", err)
	}
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			m.look(func(p *port) { work.Go(func() error { return p.run(ctx) }) })
			m.report()
			select {
			case <-ctx.Done():
				return nil
			case _, open := <-news:
				if !open {
					news = nil // looking now and then does as well
				}
			case <-m.change:
			case <-tick.C:
			}
		}
	})
	return work.Wait()
}

// look looks at the interfaces: new ones become ports, and all learn whether they have
// a link.
func (m *manager) look(start func(*port)) {
	links, err := netlink.LinkList()
	if err != nil {
		note("interfaces: %v", err)
		return
	}
	for _, l := range links {
		a := l.Attrs()
		if a.EncapType != "ether" || a.Flags&net.FlagLoopback != 0 || len(a.HardwareAddr) != 6 {
			continue
		}
		p := m.port(a.Name, a.Index)
		if p == nil {
			if p, err = m.open(a); err != nil {
				note("%v", err)
				continue
			}
			if p == nil {
				continue
			}
			start(p)
		}
		p.setCarrier(a.RawFlags&unix.IFF_UP != 0 && a.RawFlags&unix.IFF_LOWER_UP != 0 && a.OperState != netlink.OperDormant)
	}
}

func (m *manager) port(name string, index int) *port {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.ports, func(p *port) bool { return p.name == name && p.sockets.index == index })
	if i < 0 {
		return nil
	}
	return m.ports[i]
}

// open makes a port of an interface; nil when there are too many.
func (m *manager) open(a *netlink.LinkAttrs) (*port, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.ports) == maxPorts {
		return nil, nil
	}
	if err := interfaceUp(a.Index); err != nil {
		return nil, fmt.Errorf("%s: %w", a.Name, err)
	}
	preference := ofCable
	if _, err := os.Stat(filepath.Join(m.sys, "class/net", a.Name, wirelessSign)); err == nil {
		preference = ofWiFi
	}
	i := net.Interface{Index: a.Index, Name: a.Name, HardwareAddr: a.HardwareAddr}
	p, err := newPort(i, preference, note, m.changed)
	if err != nil {
		return nil, err
	}
	m.ports = append(m.ports, p)
	m.line.Loop(a.Name, p.ask)
	note("%s: %v", a.Name, a.HardwareAddr)
	return p, nil
}

// changed has the manager report soon.
func (m *manager) changed() {
	select {
	case m.change <- struct{}{}:
	default:
	}
}

// states are those of the ports, the best first.
func (m *manager) states() (all []portState) {
	m.mu.Lock()
	ports := slices.Clone(m.ports)
	m.mu.Unlock()
	slices.SortStableFunc(ports, func(a, b *port) int { return a.preference - b.preference })
	for _, p := range ports {
		all = append(all, p.State())
	}
	return all
}

// best is the machine's best address: one that was given before one of its own choice,
// a cable's before Wi-Fi's, and one that works now before one that does not.
func best(all []portState) (a netip.Addr) {
	for _, s := range all {
		for _, candidate := range []netip.Addr{s.Leased, s.Local} {
			if candidate.IsValid() && s.Carrier && (!a.IsValid() || a.IsLinkLocalUnicast() && !candidate.IsLinkLocalUnicast()) {
				a = candidate
			}
		}
	}
	return a
}

// report tells process 1 what has changed, and the namer what there is.
func (m *manager) report() {
	m.mu.Lock()
	for _, p := range m.ports {
		m.name.set(p.sockets.index, p.State().addresses())
	}
	m.mu.Unlock()
	a := best(m.states())
	now := time.Now()
	m.mu.Lock()
	moved := a != m.located
	m.located = a
	if a.IsValid() {
		m.since = time.Time{}
	} else if m.since.IsZero() {
		m.since = now
	}
	faulty := !a.IsValid() && now.Sub(m.since) >= faultAfter
	turned := faulty != m.faulty
	m.faulty = faulty
	m.mu.Unlock()
	if moved {
		text := ""
		if a.IsValid() {
			text = a.String()
		}
		m.tell(beat.Message{Kind: beat.Located, Text: text})
	}
	if turned {
		msg := beat.Message{Kind: beat.Trouble}
		if faulty {
			msg.Faults = []beat.Fault{faultNone}
		}
		m.tell(msg)
	}
}

func (m *manager) tell(msg beat.Message) {
	if err := m.line.Tell(msg); err != nil {
		note("%v", err)
	}
}
