// Package lease gets a machine an address from a DHCP server (RFC 2131), as a state
// machine without I/O. The words are those of section 4.4, figure 5:
//
//	        Up                OFFER               ACK             free for 400 ms
//	off ----------> selecting -----> requesting -----> checking ------------------> bound
//	 ^  Down, no      ^  ^                               | somebody has it:          | T1
//	 |  lease         |  +---- NAK, no answer -----------+ Decline, 10 s             v
//	 |                |                                                          renewing
//	 |                +-------------- NAK, or the lease ends: Remove ----------------| T2
//	 |                                                                               v
//	 +--- Down with a lease: it is kept; Up: rebooting, then bound or selecting   rebinding
//
// An address is put when it has been probed for twice in 400 ms, not for five seconds
// and more as RFC 5227 has it: a telephone is to be there soon, and its server has
// pinged the address already. Messages are repeated after 2 s first, not 4.
package lease

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// Type is the type of a message. // RFC 2132, section 9.6
type Type uint8

const (
	Discover Type = 1
	Offer    Type = 2
	Request  Type = 3
	Decline  Type = 4
	Ack      Type = 5
	Nak      Type = 6
)

// Lease is what a server gives.
type Lease struct {
	Address  netip.Addr
	Bits     int // of the network
	Router   netip.Addr
	Server   netip.Addr
	Clocks   []netip.Addr // time servers
	Lifetime time.Duration
	T1, T2   time.Duration
}

// Equal reports whether nothing differs that shows on the interface.
func (l Lease) Equal(o Lease) bool {
	return l.Address == o.Address && l.Bits == o.Bits && l.Router == o.Router
}

// Message is what is sent and received, as far as the machine looks at it.
type Message struct {
	Type        Type
	Transaction uint32
	Lease       Lease      // of Offer and Ack; Server of Nak
	Current     netip.Addr // ciaddr, of Request
	Wanted      netip.Addr // requested IP address, of Request and Decline
	Server      netip.Addr // server identifier, of Request and Decline
	To          netip.Addr // the zero Addr: everybody
}

// Events.
type (
	// Event is Up, Down, Received, Taken or Tick.
	Event interface{ event() }

	// Up says that the link works.
	Up struct{}

	// Down says that it does not.
	Down struct{}

	// Received is a message from a server.
	Received struct{ Message Message }

	// Taken says that somebody else has the address.
	Taken struct{ Address netip.Addr }

	// Tick says that it is later.
	Tick struct{}
)

func (Up) event()       {}
func (Down) event()     {}
func (Received) event() {}
func (Taken) event()    {}
func (Tick) event()     {}

// Actions.
type (
	// Action is Send, Probe, Put, Remove or Announce.
	Action interface{ action() }

	// Send sends a message.
	Send struct{ Message Message }

	// Probe asks the link who has an address.
	Probe struct{ Address netip.Addr }

	// Put has the address, and what comes with it, for the lease's lifetime.
	Put struct{ Lease Lease }

	// Remove has it no longer.
	Remove struct{ Lease Lease }

	// Announce tells the link who has the address.
	Announce struct{ Address netip.Addr }
)

func (Send) action()     {}
func (Probe) action()    {}
func (Put) action()      {}
func (Remove) action()   {}
func (Announce) action() {}

const (
	firstWait   = 2 * time.Second
	lastWait    = 64 * time.Second // RFC 2131, section 4.1
	jitter      = time.Second
	requests    = 3 // of one offer, and of an old lease
	probes      = 2
	probeGap    = 200 * time.Millisecond
	declineWait = 10 * time.Second // section 3.1, 5.
	renewWait   = time.Minute      // section 4.4.5
	defendEvery = 10 * time.Second // RFC 5227, section 2.4
	minLifetime = time.Minute
	maxLifetime = 1 << 32 * time.Second
)

type state uint8

const (
	off state = iota
	waiting
	selecting
	requesting
	rebooting
	checking
	bound
	renewing
	rebinding
)

// Machine is the client of one link.
type Machine struct {
	rng     *rand.Rand
	state   state
	at      time.Time // when something is due; zero: nothing
	tries   int       // messages sent, or probes
	wait    time.Duration
	xid     uint32
	offer   Lease
	since   time.Time // the offer was asked for
	lease   Lease     // zero: none
	got     time.Time // when it was asked for
	defence time.Time
}

// New makes a client.
func New(rng *rand.Rand) *Machine { return &Machine{rng: rng} }

// Current is the lease that the interface has, if it has one.
func (m *Machine) Current() (Lease, bool) { return m.lease, m.lease.Address.IsValid() }

// Next is when a Tick is due; the zero time means never.
func (m *Machine) Next() time.Time {
	next := m.at
	if m.lease.Address.IsValid() {
		if end := m.got.Add(m.lease.Lifetime); next.IsZero() || end.Before(next) {
			next = end
		}
	}
	return next
}

// Step takes one event in. What it returns is to be done in order.
func (m *Machine) Step(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Up:
		return m.up(now)
	case Down:
		m.state, m.at = off, time.Time{}
	case Received:
		return m.received(now, ev.Message)
	case Taken:
		return m.someone(now, ev.Address)
	case Tick:
		return m.tick(now)
	}
	return nil
}

func (m *Machine) up(now time.Time) []Action {
	if m.state != off {
		return nil
	}
	if m.lease.Address.IsValid() {
		m.begin(rebooting)
		return m.ask(now)
	}
	m.begin(selecting)
	return m.ask(now)
}

// begin begins a new exchange of messages.
func (m *Machine) begin(s state) {
	m.state, m.tries, m.wait, m.xid = s, 0, firstWait, m.rng.Uint32()
}

// ask sends what the state asks for, for the first time or again.
func (m *Machine) ask(now time.Time) []Action {
	m.tries++
	m.at = now.Add(m.wait + time.Duration(m.rng.Int64N(int64(2*jitter))) - jitter) // RFC 2131, section 4.1
	m.wait = min(2*m.wait, lastWait)
	msg := Message{Type: Request, Transaction: m.xid}
	switch m.state {
	case selecting:
		msg.Type = Discover
	case requesting:
		msg.Wanted, msg.Server = m.offer.Address, m.offer.Server
	case rebooting: // section 4.3.2: INIT-REBOOT
		msg.Wanted, m.since = m.lease.Address, now
	case renewing:
		msg.Current, msg.To, m.since = m.lease.Address, m.lease.Server, now
		m.at = m.half(now, m.lease.T2)
	case rebinding:
		msg.Current, m.since = m.lease.Address, now
		m.at = m.half(now, m.lease.Lifetime)
	}
	if m.state == requesting && m.tries == 1 {
		m.since = now
	}
	return []Action{Send{msg}}
}

// half is when to ask again for a lease: "wait one-half of the remaining time until T2
// (in RENEWING state) and one-half of the remaining lease time (in REBINDING state),
// down to a minimum of 60 seconds". // RFC 2131, section 4.4.5
func (m *Machine) half(now time.Time, end time.Duration) time.Time {
	left := m.got.Add(end).Sub(now)
	if left <= renewWait {
		return m.got.Add(end)
	}
	return now.Add(max(left/2, renewWait))
}

func (m *Machine) tick(now time.Time) []Action {
	if m.lease.Address.IsValid() && !now.Before(m.got.Add(m.lease.Lifetime)) {
		do := m.remove()
		if m.state == renewing || m.state == rebinding || m.state == rebooting || m.state == bound {
			m.begin(selecting)
			do = append(do, m.ask(now)...)
		}
		return do
	}
	if m.at.IsZero() || now.Before(m.at) {
		return nil
	}
	switch m.state {
	case waiting:
		m.begin(selecting)
	case requesting, rebooting:
		if m.tries == requests {
			m.begin(selecting)
		}
	case checking:
		return m.check(now)
	case bound:
		m.begin(renewing)
	case renewing:
		if !now.Before(m.got.Add(m.lease.T2)) {
			m.begin(rebinding)
		}
	}
	return m.ask(now)
}

// received takes a server's message. // RFC 2131, section 4.4.1
func (m *Machine) received(now time.Time, msg Message) []Action {
	if msg.Transaction != m.xid {
		return nil
	}
	answered := m.state == requesting || m.state == rebooting || m.state == renewing || m.state == rebinding
	switch {
	case m.state == selecting && msg.Type == Offer && msg.Lease.good():
		m.offer = msg.Lease
		xid := m.xid
		m.begin(requesting)
		m.xid = xid // "DHCPREQUEST [...] the same 'xid'"; section 4.4.1
		return m.ask(now)
	case answered && msg.Type == Nak:
		do := m.remove()
		m.begin(selecting)
		return append(do, m.ask(now)...)
	case answered && msg.Type == Ack && msg.Lease.good():
		m.offer = msg.Lease.whole()
		if m.offer.Address == m.lease.Address && m.state != requesting {
			return m.bind(now)
		}
		m.state, m.tries = checking, 0
		return m.check(now)
	}
	return nil
}

// good reports whether a server's words make sense.
func (l Lease) good() bool {
	a := l.Address
	return a.Is4() && a.IsGlobalUnicast() && l.Bits > 0 && l.Bits <= 32 && l.Server.Is4()
}

// whole is the lease with what the server left out, and with sane times.
func (l Lease) whole() Lease {
	l.Lifetime = min(max(l.Lifetime, minLifetime), maxLifetime)
	if l.T1 <= 0 || l.T1 >= l.Lifetime {
		l.T1 = l.Lifetime / 2 // RFC 2131, section 4.4.5
	}
	if l.T2 <= l.T1 || l.T2 >= l.Lifetime {
		l.T2 = max(l.Lifetime/8*7, l.T1)
	}
	if !l.Router.Is4() || l.Router.IsUnspecified() {
		l.Router = netip.Addr{}
	}
	return l
}

// check probes for the address, and has it when nobody answers.
func (m *Machine) check(now time.Time) []Action {
	if m.tries == probes {
		return m.bind(now)
	}
	m.tries++
	m.at = now.Add(probeGap)
	return []Action{Probe{m.offer.Address}}
}

// bind has the address that was given.
func (m *Machine) bind(now time.Time) (do []Action) {
	old, had := m.Current()
	if had && old.Address != m.offer.Address {
		do = m.remove()
	}
	m.lease, m.got, m.state, m.defence = m.offer, m.since, bound, time.Time{}
	m.at = m.got.Add(m.lease.T1)
	do = append(do, Put{m.lease})
	if !had || old.Address != m.lease.Address {
		do = append(do, Announce{m.lease.Address})
	}
	return do
}

func (m *Machine) remove() []Action {
	old, had := m.Current()
	m.lease = Lease{}
	if !had {
		return nil
	}
	return []Action{Remove{old}}
}

// someone takes that somebody else has an address. One that is being checked is
// declined; one that is held is defended once in ten seconds, then declined.
// RFC 5227, section 2.4 (b)
func (m *Machine) someone(now time.Time, a netip.Addr) (do []Action) {
	switch {
	case m.state == checking && a == m.offer.Address:
		do = m.remove()
	case slices.Contains([]state{bound, renewing, rebinding}, m.state) && a == m.lease.Address:
		if m.defence.IsZero() || now.Sub(m.defence) >= defendEvery {
			m.defence = now
			return []Action{Announce{a}}
		}
		m.offer = m.lease
		do = m.remove()
	default:
		return nil
	}
	do = append(do, Send{Message{Type: Decline, Transaction: m.rng.Uint32(), Wanted: m.offer.Address, Server: m.offer.Server}})
	m.state, m.at = waiting, now.Add(declineWait)
	return do
}
