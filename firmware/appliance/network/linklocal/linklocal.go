// Package linklocal finds a machine an address where nobody gives it one: IPv4
// Link-Local Addresses (RFC 3927), as a state machine without I/O.
//
//	        Up             3 probes        2 s            Put, Announce twice
//	off ---------> probing ------------------------> held -----------------+
//	 ^               | ^  somebody has it, or wants     |  ^  first conflict |
//	 |  Down,        | |  it: another address           |  +--- in 10 s: ----+
//	 |  Routable     +-+  (after ten: one a minute)     |       Announce
//	 |                                                  |
//	 +----------------------------- Down ---------------+--> second: Remove, another address
//
// An address that was put stays there while the cable is out, so that a call survives
// it, and is probed for when the cable is back. It stays as well while there is another
// one, which RFC 3927, section 1.9 advises against: telephones that know this one by it
// still reach it.
package linklocal

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"chordophone/firmware/appliance/network/arp"
)

// RFC 3927, section 9
const (
	probeWait        = time.Second
	probeNum         = 3
	probeMin         = time.Second
	probeMax         = 2 * time.Second
	announceWait     = 2 * time.Second
	announceNum      = 2
	announceInterval = 2 * time.Second
	maxConflicts     = 10
	rateLimit        = 60 * time.Second
	defendInterval   = 10 * time.Second
)

// Events.
type (
	// Event is Up, Down, Routable, Heard or Tick.
	Event interface{ event() }

	// Up says that the link works.
	Up struct{}

	// Down says that it does not.
	Down struct{}

	// Routable says whether the machine was given an address.
	Routable struct{ Is bool }

	// Heard is an ARP packet on the link.
	Heard struct{ Packet arp.Packet }

	// Tick says that it is later.
	Tick struct{}
)

func (Up) event()       {}
func (Down) event()     {}
func (Routable) event() {}
func (Heard) event()    {}
func (Tick) event()     {}

// Verb is what is to be done with an address.
type Verb string

const (
	Probe    Verb = "probe"    // ask who has it
	Put      Verb = "put"      // have it
	Announce Verb = "announce" // say that one has it
	Remove   Verb = "remove"   // have it no longer
)

// Action is one thing to be done.
type Action struct {
	Verb    Verb
	Address netip.Addr
}

type state uint8

const (
	off state = iota
	probing
	held
)

// Machine is the state of one link.
type Machine struct {
	own        arp.Hardware
	rng        *rand.Rand
	state      state
	up         bool
	routable   bool
	address    netip.Addr
	put        bool
	at         time.Time // of the next probe or announcement; zero: none
	sent       int       // probes, or announcements
	conflicts  int       // since the last success
	defendedAt time.Time
}

// New makes the machine of a link. The addresses that it tries are those that rng
// gives, which has the hardware address as its seed: "to generate the same address each
// time". // RFC 3927, section 2.1
func New(own arp.Hardware) *Machine {
	var seed [32]byte
	copy(seed[:], own[:])
	return &Machine{own: own, rng: rand.New(rand.NewChaCha8(seed))}
}

// Next is when a Tick is due; the zero time means never.
func (m *Machine) Next() time.Time { return m.at }

// Step takes one event in. What it returns is to be done in order.
func (m *Machine) Step(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Up:
		m.up = true
	case Down:
		m.up = false
	case Routable:
		m.routable = ev.Is
	case Heard:
		return m.heard(now, ev.Packet)
	case Tick:
		return m.tick(now)
	}
	wanted := m.up && (!m.routable || m.put)
	switch {
	case wanted && m.state == off:
		m.begin(now)
	case !wanted:
		m.state, m.at = off, time.Time{}
	}
	return nil
}

// begin begins to probe. After each conflict with another address, which an
// interrupted link is no reason for.
func (m *Machine) begin(now time.Time) {
	if !m.address.IsValid() {
		m.address = m.pick()
	}
	wait := m.within(0, probeWait)
	if m.conflicts > maxConflicts { // section 2.2.1
		wait = rateLimit
	}
	m.state, m.sent, m.at = probing, 0, now.Add(wait)
}

// pick is an address "in the range from 169.254.1.0 to 169.254.254.255 inclusive".
// RFC 3927, section 2.1
func (m *Machine) pick() netip.Addr {
	n := m.rng.IntN(254 * 256)
	return netip.AddrFrom4([4]byte{169, 254, byte(1 + n/256), byte(n)})
}

func (m *Machine) within(least, most time.Duration) time.Duration {
	return least + time.Duration(m.rng.Int64N(int64(most-least)))
}

func (m *Machine) tick(now time.Time) []Action {
	if m.at.IsZero() || now.Before(m.at) {
		return nil
	}
	switch m.state {
	case probing:
		if m.sent == probeNum {
			m.state, m.sent, m.conflicts, m.defendedAt = held, 1, 0, time.Time{}
			m.at = now.Add(announceInterval)
			if m.put {
				return []Action{{Announce, m.address}}
			}
			m.put = true
			return []Action{{Put, m.address}, {Announce, m.address}}
		}
		m.sent++
		m.at = now.Add(m.within(probeMin, probeMax))
		if m.sent == probeNum {
			m.at = now.Add(announceWait)
		}
		return []Action{{Probe, m.address}}
	case held:
		m.sent++
		m.at = now.Add(announceInterval)
		if m.sent == announceNum {
			m.at = time.Time{}
		}
		return []Action{{Announce, m.address}}
	}
	return nil
}

// heard looks for somebody else who has the address, or is about to.
func (m *Machine) heard(now time.Time, p arp.Packet) []Action {
	if m.state == off || p.Sender == m.own {
		return nil
	}
	has := p.SenderIP == m.address
	wants := p.IsProbe() && p.TargetIP == m.address // section 2.2.1
	switch {
	case m.state == probing && (has || wants):
		return m.another(now)
	case m.state == held && has:
		if m.defendedAt.IsZero() || now.Sub(m.defendedAt) >= defendInterval { // section 2.5 (b)
			m.defendedAt = now
			return []Action{{Announce, m.address}}
		}
		return m.another(now)
	}
	return nil
}

// another gives an address up and tries another one, if one is wanted.
func (m *Machine) another(now time.Time) (do []Action) {
	if m.put {
		m.put = false
		do = []Action{{Remove, m.address}}
	}
	m.conflicts++
	m.address, m.state, m.at = m.pick(), off, time.Time{}
	if !m.routable {
		m.begin(now)
	}
	return do
}
