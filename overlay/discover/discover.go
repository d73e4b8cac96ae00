package discover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"chordophone/overlay"
)

// ErrNoMulticast says that there is nobody to discover here: the phone listens on
// a loopback address, or the system refuses multicast sockets. A phone goes on
// without discovery, by configured and remembered peers.
var ErrNoMulticast = errors.New("discover: no multicast here (name a first contact with --peer)")

// Config is what a Service announces and where.
type Config struct {
	// Self is this phone. With an unspecified address (0.0.0.0, ::) it is
	// announced on every interface with the addresses of that interface,
	// otherwise only where its address is. Port 0 means overlay.Port.
	Self overlay.Peer

	Office    string // the name of the office, at most MaxOffice octets of printable UTF-8
	Extension string // this phone's, at most MaxExtension digits; may be empty

	// Enrolling reports whether this phone takes new phones in. It is asked
	// at the start and then once a second, from the goroutine of Run. nil means no.
	Enrolling func() bool

	// Interfaces are the names of the network interfaces to use; empty means
	// all that are up and can multicast, as they come and go.
	Interfaces []string

	Log *slog.Logger // nil means none
}

// Stats counts packets since the start.
type Stats struct {
	Sent     uint64
	Received uint64
	Dropped  uint64 // of those received: malformed, or more than can be good
}

// Service announces this phone and listens for the others of its office.
type Service struct {
	enrolling  func() bool
	interfaces []string
	log        *slog.Logger
	open       func() (network, error)
	machine    *machine // belongs to the goroutine of Run
	heard      chan []overlay.Peer

	sent, received, dropped atomic.Uint64
}

// New checks cfg. Its error is ErrNoMulticast if cfg.Self is on a loopback address.
func New(cfg Config) (*Service, error) {
	p := presence{
		ID:        cfg.Self.ID,
		Office:    cfg.Office,
		Extension: cfg.Extension,
		Port:      cfg.Self.Addr.Port(),
	}
	if p.Port == 0 {
		p.Port = overlay.Port
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	addr := cfg.Self.Addr.Addr().Unmap()
	if addr.IsLoopback() {
		return nil, fmt.Errorf("%w: listening on %v", ErrNoMulticast, addr)
	}
	if addr.IsUnspecified() {
		addr = netip.Addr{}
	}
	s := newService(&p, addr, cfg.Interfaces, cfg.Log)
	s.enrolling = cfg.Enrolling
	return s, nil
}

// newService makes a Service for the phone self, or for a newcomer that only
// listens if self is nil.
func newService(self *presence, addr netip.Addr, interfaces []string, log *slog.Logger) *Service {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Service{
		interfaces: interfaces,
		log:        log,
		open:       func() (network, error) { return openSockets(log) },
		machine:    newMachine(self, addr, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))),
		heard:      make(chan []overlay.Peer, 1),
	}
}

// Heard delivers the other phones of the office: all that are known at the moment,
// at most MaxPeers a link, ordered by Node-ID; a phone that is reachable in several
// ways stands there once for each address, IPv4 before IPv6. A list comes soon after
// every change, and now and then without one as phones are heard again, so that a
// ring that has fallen apart hears of its other part. A list that nobody has taken
// is replaced by the next. The channel is never closed.
func (s *Service) Heard() <-chan []overlay.Peer { return s.heard }

// Stats may be called at any time, from any goroutine.
func (s *Service) Stats() Stats {
	return Stats{Sent: s.sent.Load(), Received: s.received.Load(), Dropped: s.dropped.Load()}
}

// Run announces and listens until ctx is done, says goodbye, and returns nil. It
// must be called once. An error means that no socket could be opened; it is an
// ErrNoMulticast.
func (s *Service) Run(ctx context.Context) error {
	return s.run(ctx, func(found []sighting) { s.publish(peers(found)) })
}

// publish hands list to the reader of Heard in place of one not yet taken.
func (s *Service) publish(list []overlay.Peer) {
	select {
	case <-s.heard:
	default:
	}
	s.heard <- list // the only sender has just made room
}

// Office is an office that a newcomer could join.
type Office struct {
	Name  string
	Peers []overlay.Peer // its phones that answered, as Heard gives them
	Open  []overlay.Peer // those of them that take new phones in at the moment
}

// Enrolling reports whether any phone of the office takes new phones in.
func (o Office) Enrolling() bool { return len(o.Open) > 0 }

// Offices is what answers a newcomer until ctx is done, ordered by name; two seconds
// are plenty on a quiet switch. Names are not authenticated: two offices of one name,
// or somebody's imitation, come out as one, and enrolment tells them apart.
func Offices(ctx context.Context, log *slog.Logger) ([]Office, error) {
	return offices(ctx, newService(nil, netip.Addr{}, nil, log))
}

func offices(ctx context.Context, s *Service) ([]Office, error) {
	var last []sighting
	if err := s.run(ctx, func(found []sighting) { last = found }); err != nil {
		return nil, err
	}
	var list []Office
	for _, f := range last {
		i, ok := slices.BinarySearchFunc(list, f.Office, func(o Office, name string) int { return strings.Compare(o.Name, name) })
		if !ok {
			list = slices.Insert(list, i, Office{Name: f.Office})
		}
		list[i].Peers = append(list[i].Peers, f.peers()...)
		if f.Enrolling {
			list[i].Open = append(list[i].Open, f.peers()...)
		}
	}
	return list, nil
}

// network is what the loop needs of the world: sockets, or a test's cable.
type network interface {
	Links(names []string) []linkState // joins what has come, leaves what has gone
	Changed() <-chan struct{}         // the interfaces may have changed
	Receive() <-chan packet           // packets that multicast brought, own ones too
	Send(linkID, []byte) error
	Dropped() uint64 // packets that did not make it to Receive
	Close() error    // waits for its goroutines
}

const (
	pollEnrolling = time.Second
	pollLinks     = time.Minute // in case a notice was missed
	settle        = 50 * time.Millisecond
)

// run is the loop round the machine.
func (s *Service) run(ctx context.Context, found func([]sighting)) error {
	nw, err := s.open()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoMulticast, err)
	}
	defer nw.Close()

	do := func(ev event) {
		for _, a := range s.machine.step(time.Now(), ev) {
			switch a := a.(type) {
			case send:
				if err := nw.Send(a.Link, a.Data); err != nil {
					s.log.Debug("discovery packet not sent", "link", a.Link, "err", err)
					continue
				}
				s.sent.Add(1)
			case report:
				found(a.Found)
			case twin:
				s.log.Warn("another phone announces our Node-ID: a copied data directory?", "addr", a.From)
			}
		}
		s.dropped.Store(s.machine.dropped + nw.Dropped())
	}
	askEnrolling := func() {
		if s.enrolling != nil {
			do(setEnrolling{s.enrolling()})
		}
	}
	askEnrolling()
	do(setLinks{nw.Links(s.interfaces)})

	timer := time.NewTimer(0)
	defer timer.Stop()
	enrolling := time.NewTicker(pollEnrolling)
	defer enrolling.Stop()
	links := time.NewTicker(pollLinks)
	defer links.Stop()
	var settled <-chan time.Time // set while a change of interfaces is settling

	for {
		timer.Reset(time.Until(s.machine.next()))
		select {
		case <-ctx.Done():
			do(stop{})
			return nil
		case p := <-nw.Receive():
			s.received.Add(1)
			do(p)
		case <-timer.C:
			do(tick{})
		case <-enrolling.C:
			askEnrolling()
		case <-links.C:
			do(setLinks{nw.Links(s.interfaces)})
		case <-nw.Changed():
			if settled == nil { // one cable makes a dozen notices
				settled = time.After(settle)
			}
		case <-settled:
			settled = nil
			do(setLinks{nw.Links(s.interfaces)})
		}
	}
}
