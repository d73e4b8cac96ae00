package sim

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// Host is one machine with its disk.
type Host struct {
	Peer   overlay.Peer
	Node   *chord.Node // nil when it is switched off
	Disk   map[overlay.Slot]overlay.Record
	Known  []overlay.Peer
	Malice Malice // what it does to the others
	life   int
	tick   time.Duration                   // the next Tick planned; negative: none
	began  time.Duration                   // when it was switched on
	oldest map[overlay.Slot]overlay.Record // of a malicious host: what it answers with
}

// Add makes a host, switched off, that knows some others.
func (s *Net) Add(known ...int) int {
	var id overlay.ID
	binary.BigEndian.PutUint64(id[:8], s.rng.Uint64())
	binary.BigEndian.PutUint64(id[8:], s.rng.Uint64())
	return s.AddID(id, known...)
}

// AddID is Add with the identifier given.
func (s *Net) AddID(id overlay.ID, known ...int) int {
	i := len(s.hosts)
	addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), overlay.Port)
	h := &Host{Peer: overlay.Peer{ID: id, Addr: addr}, Disk: make(map[overlay.Slot]overlay.Record), tick: -1}
	for _, k := range known {
		h.Known = append(h.Known, s.hosts[k].Peer)
	}
	s.hosts = append(s.hosts, h)
	s.byAddr[addr] = i
	s.byID[id] = i
	return i
}

// Start switches a host on.
func (s *Net) Start(i int) {
	h := s.hosts[i]
	if h.Node != nil {
		return
	}
	h.life++
	h.tick = -1
	h.began = s.now
	h.Node = s.node(i)
	s.step(i, chord.Start{Known: h.Known, Records: sorted(h.Disk)})
}

func (s *Net) node(i int) *chord.Node {
	h := s.hosts[i]
	return chord.New(h.Peer, s.cfg.Chord, rand.New(rand.NewPCG(s.cfg.Seed+uint64(h.life), uint64(i))))
}

// Kill switches a host off without warning. Those it was connected to notice
// when Config.Silent has passed.
func (s *Net) Kill(i int) {
	h := s.hosts[i]
	if h.Node == nil {
		return
	}
	v := h.Node.View()
	s.off(h)
	told := make(map[overlay.ID]bool)
	for _, list := range [][]overlay.Peer{{v.Pred}, v.Succ, v.Fingers} {
		for _, p := range list {
			if j, ok := s.byID[p.ID]; ok && !told[p.ID] {
				told[p.ID] = true
				s.plan(s.cfg.Silent+s.delay(), j, chord.Lost{Peer: h.Peer.ID})
			}
		}
	}
}

func (s *Net) off(h *Host) {
	h.Node = nil
	h.life++
	s.members = nil
}

// Stop has a host leave the ring and then switches it off.
func (s *Net) Stop(i int) {
	if s.hosts[i].Node != nil {
		s.step(i, chord.Stop{})
	}
}
