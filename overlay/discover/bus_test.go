package discover

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"chordophone/overlay"
)

// bus is Ethernet switches and the phones on them, in simulated time.
type bus struct {
	t     *testing.T
	now   time.Time
	start time.Time
	rng   *rand.Rand
	nodes []*node
	sent  int                        // packets, all phones
	lose  func(from, to *node) bool  // a packet on its way
	spy   func(from *node, p []byte) // sees every packet
}

// node is one phone, with one link to one switch.
type node struct {
	m         *machine
	id        overlay.ID
	state     linkState
	vlan      int
	off       bool
	sent      int
	reports   [][]sighting
	reportsAt []time.Time
	twins     int
}

func newBus(t *testing.T) *bus {
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	return &bus{t: t, now: start, start: start, rng: rand.New(rand.NewPCG(1, 2))}
}

func testID(i int) overlay.ID { return overlay.ResourceID(fmt.Sprint("phone", i)) }

// wire is a link of one interface with a link-local address of each family.
func wire(i int) linkState {
	return linkState{linkID{2, false}, "eth0", []netip.Prefix{
		netip.PrefixFrom(netip.AddrFrom4([4]byte{169, 254, byte(1 + i/250), byte(1 + i%250)}), 16),
		netip.PrefixFrom(netip.MustParseAddr(fmt.Sprintf("fe80::%x", i+1)), 64),
	}}
}

// add switches a phone on; office "" makes it a newcomer.
func (b *bus) add(office string) *node {
	i := len(b.nodes)
	n := &node{id: testID(i), state: wire(i)}
	var self *presence
	if office != "" {
		self = &presence{ID: n.id, Office: office, Extension: fmt.Sprint(101 + i), Port: 6084}
	}
	n.m = newMachine(self, netip.Addr{}, rand.New(rand.NewPCG(uint64(i), 7)))
	b.nodes = append(b.nodes, n)
	b.step(n, setLinks{[]linkState{n.state}})
	return n
}

func (b *bus) step(n *node, ev event) {
	if n.off {
		return
	}
	for _, a := range slices.Clone(n.m.step(b.now, ev)) {
		switch a := a.(type) {
		case send:
			b.sent++
			n.sent++
			if b.spy != nil {
				b.spy(n, a.Data)
			}
			from := netip.AddrPortFrom(n.state.Addrs[0].Addr(), mdnsPort)
			for _, to := range b.nodes { // the sender too: multicast loops back
				if to.vlan == n.vlan && (b.lose == nil || !b.lose(n, to)) {
					b.step(to, packet{to.state.linkID, from, a.Data})
				}
			}
		case report:
			n.reports = append(n.reports, a.Found)
			n.reportsAt = append(n.reportsAt, b.now)
		case twin:
			n.twins++
		}
	}
}

// run lets time pass.
func (b *bus) run(d time.Duration) { b.until(d, func() bool { return false }) }

// until lets time pass until cond holds, and says how long it took; d if it never did.
func (b *bus) until(d time.Duration, cond func() bool) time.Duration {
	b.t.Helper()
	begin, end := b.now, b.now.Add(d)
	for steps := 0; !cond(); steps++ {
		if steps > 5_000_000 {
			b.t.Fatal("time stands still")
		}
		var first *node
		at := end
		for _, n := range b.nodes {
			if t := n.m.next(); !n.off && t.Before(at) {
				first, at = n, t
			}
		}
		if at.After(b.now) {
			b.now = at
		}
		if first == nil {
			break
		}
		b.step(first, tick{})
	}
	return b.now.Sub(begin)
}

// knows are the Node-IDs of the last report.
func (n *node) knows() (ids []overlay.ID) {
	if len(n.reports) > 0 {
		for _, s := range n.reports[len(n.reports)-1] {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

func (n *node) sees(other *node) *sighting {
	if len(n.reports) > 0 {
		for _, s := range n.reports[len(n.reports)-1] {
			if s.ID == other.id {
				return &s
			}
		}
	}
	return nil
}

// complete reports whether each phone that is on knows every other that is on.
func (b *bus) complete() bool {
	for _, n := range b.nodes {
		for _, o := range b.nodes {
			if n != o && !n.off && !o.off && n.sees(o) == nil {
				return false
			}
		}
	}
	return true
}
