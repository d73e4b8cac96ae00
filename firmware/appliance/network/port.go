package network

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"chordophone/firmware/appliance/network/arp"
	"chordophone/firmware/appliance/network/lease"
	"chordophone/firmware/appliance/network/linklocal"
)

// port is one interface. It belongs to the goroutine of run but for what is sent to it.
type port struct {
	name       string
	preference int // of its routes; less is better
	sockets    *sockets
	lease      *lease.Machine
	local      *linklocal.Machine
	note       func(format string, args ...any)
	changed    func() // the addresses may have

	carrier chan bool // whether there is a link; the newest only
	alive   chan chan struct{}

	mu    sync.Mutex // guards what follows
	state portState
}

// portState is what others may know of a port.
type portState struct {
	Carrier bool
	Leased  netip.Addr // zero: none, as what follows
	Local   netip.Addr
	Clocks  []netip.Addr
}

// addresses are those at which the port can be reached, the best first.
func (s portState) addresses() (all []netip.Addr) {
	for _, a := range []netip.Addr{s.Leased, s.Local} {
		if s.Carrier && a.IsValid() {
			all = append(all, a)
		}
	}
	return all
}

// newPort opens an interface of Ethernet or Wi-Fi.
func newPort(i net.Interface, preference int, note func(string, ...any), changed func()) (*port, error) {
	s, err := openSockets(i)
	if err != nil {
		return nil, err
	}
	return &port{
		name: i.Name, preference: preference, sockets: s, note: note, changed: changed,
		lease: lease.New(rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))), local: linklocal.New(s.own),
		carrier: make(chan bool, 1), alive: make(chan chan struct{}),
	}, nil
}

// setCarrier says whether there is a link. Only one goroutine may call it.
func (p *port) setCarrier(is bool) {
	select {
	case <-p.carrier:
	default:
	}
	p.carrier <- is
}

// ask makes a round trip through run.
func (p *port) ask(ctx context.Context) error {
	back := make(chan struct{}, 1)
	select {
	case p.alive <- back:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-back:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// State is what the port has come to.
func (p *port) State() portState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// run is the port's life. The addresses stay when it ends: the machine goes down, or
// another process takes over.
func (p *port) run(ctx context.Context) error {
	var ears sync.WaitGroup
	defer ears.Wait()
	defer p.sockets.close()
	said, heard := make(chan lease.Message, 16), make(chan arp.Packet, 64)
	ears.Go(func() {
		p.sockets.hearDHCP(func(m lease.Message) {
			select {
			case said <- m:
			default: // more than can be good
			}
		})
	})
	ears.Go(func() {
		p.sockets.hearARP(func(a arp.Packet) {
			select {
			case heard <- a:
			default:
			}
		})
	})
	timer := time.NewTimer(0)
	defer timer.Stop()
	link := false
	for {
		if next := sooner(p.lease.Next(), p.local.Next()); !next.IsZero() {
			timer.Reset(time.Until(next))
		}
		select {
		case <-ctx.Done():
			return nil
		case is := <-p.carrier:
			if is == link {
				continue
			}
			link = is
			if is {
				p.stepLease(lease.Up{})
				p.stepLocal(linklocal.Up{})
			} else {
				p.stepLease(lease.Down{})
				p.stepLocal(linklocal.Down{})
			}
			p.tell(func(s *portState) { s.Carrier = is })
		case m := <-said:
			p.stepLease(lease.Received{Message: m})
		case a := <-heard:
			p.listen(a)
		case back := <-p.alive:
			back <- struct{}{}
		case <-timer.C:
			p.stepLease(lease.Tick{})
			p.stepLocal(linklocal.Tick{})
		}
	}
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// listen takes an ARP packet: somebody may have our address.
func (p *port) listen(a arp.Packet) {
	if a.Sender == p.sockets.own {
		return
	}
	p.stepLocal(linklocal.Heard{Packet: a})
	if a.IsProbe() {
		p.stepLease(lease.Taken{Address: p.checked(a)})
	} else {
		p.stepLease(lease.Taken{Address: a.SenderIP})
	}
}

// checked is the address that somebody else probes for if this machine does so, too;
// for one that it has, the kernel answers. // RFC 5227, section 2.1.1
func (p *port) checked(a arp.Packet) netip.Addr {
	if l, has := p.lease.Current(); has && l.Address == a.TargetIP {
		return netip.Addr{}
	}
	return a.TargetIP
}

func (p *port) stepLease(ev lease.Event) {
	for _, a := range p.lease.Step(time.Now(), ev) {
		var err error
		switch a := a.(type) {
		case lease.Send:
			host, _ := os.Hostname()
			if host == "(none)" {
				host = ""
			}
			err = p.sockets.send(a.Message, host)
		case lease.Probe:
			err = p.sockets.say(arp.Probe(p.sockets.own, a.Address))
		case lease.Announce:
			err = p.sockets.say(arp.Announcement(p.sockets.own, a.Address))
		case lease.Put:
			err = putLease(p.sockets.index, p.preference, a.Lease)
			if old := p.State(); old.Leased != a.Lease.Address {
				p.note("%s: %v/%d from %v for %v", p.name, a.Lease.Address, a.Lease.Bits, a.Lease.Server, a.Lease.Lifetime)
			}
			p.tell(func(s *portState) { s.Leased, s.Clocks = a.Lease.Address, a.Lease.Clocks })
			p.stepLocal(linklocal.Routable{Is: true})
		case lease.Remove:
			err = remove(p.sockets.index, netip.PrefixFrom(a.Lease.Address, a.Lease.Bits))
			p.note("%s: no longer %v", p.name, a.Lease.Address)
			p.tell(func(s *portState) { s.Leased, s.Clocks = netip.Addr{}, nil })
			p.stepLocal(linklocal.Routable{Is: false})
		}
		if err != nil {
			p.note("%s: %v", p.name, err)
		}
	}
}

func (p *port) stepLocal(ev linklocal.Event) {
	for _, a := range p.local.Step(time.Now(), ev) {
		var err error
		switch a.Verb {
		case linklocal.Probe:
			err = p.sockets.say(arp.Probe(p.sockets.own, a.Address))
		case linklocal.Announce:
			err = p.sockets.say(arp.Announcement(p.sockets.own, a.Address))
		case linklocal.Put:
			err = putLocal(p.sockets.index, p.preference, a.Address)
			p.note("%s: %v, of its own choice", p.name, a.Address)
			p.tell(func(s *portState) { s.Local = a.Address })
		case linklocal.Remove:
			err = remove(p.sockets.index, netip.PrefixFrom(a.Address, linkLocalNet.Bits()))
			p.note("%s: no longer %v", p.name, a.Address)
			p.tell(func(s *portState) { s.Local = netip.Addr{} })
		}
		if err != nil {
			p.note("%s: %v", p.name, err)
		}
	}
}

// tell changes what others know.
func (p *port) tell(change func(*portState)) {
	p.mu.Lock()
	change(&p.state)
	p.mu.Unlock()
	p.changed()
}
