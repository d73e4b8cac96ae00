package sim

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"time"

	"chordophone/overlay"
	"chordophone/overlay/chord"
)

// Config says what the simulated network is like.
type Config struct {
	Seed   uint64
	Chord  chord.Config
	Delay  time.Duration // of one message, one way; half of it more at random
	Jitter time.Duration // so much more at random, instead of half the delay
	Loss   float64       // share of messages that vanish
	Silent time.Duration // until a broken connection is noticed; zero: at once, as when a process is killed
}

// Net is the network, its hosts, and the time.
type Net struct {
	cfg    Config
	rng    *rand.Rand
	now    time.Duration
	seq    uint64
	agenda agenda
	hosts  []*Host
	byAddr map[netip.AddrPort]int
	byID   map[overlay.ID]int
	side   func(host int) int // which part of a split network a host is in; nil: whole
	deaf   func(from, to int) bool
	barred func(at, of int) bool // host at has nothing to do with host of any more; nil: nobody
	hash   uint64

	members  []int           // cache of Members; nil: to be made
	joinTook []time.Duration // of each host that joined, from Start on
	wicked   []int           // the malicious hosts, in the order of the circle

	nextRef uint64
	waiting map[uint64]func(chord.Action)

	// Observe, when set, sees each event and what came of it.
	Observe func(host int, now time.Duration, ev chord.Event, acts []chord.Action)

	Messages, Bytes uint64 // sent since the start
}

// epoch is the beginning of simulated time.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// New makes a network without hosts.
func New(cfg Config) *Net {
	return &Net{
		cfg:     cfg,
		rng:     rand.New(rand.NewPCG(cfg.Seed, 0x63686f7264)),
		byAddr:  make(map[netip.AddrPort]int),
		byID:    make(map[overlay.ID]int),
		waiting: make(map[uint64]func(chord.Action)),
	}
}

// Now is how much simulated time has passed.
func (s *Net) Now() time.Duration { return s.now }

// Rand is the network's source of chance.
func (s *Net) Rand() *rand.Rand { return s.rng }

// Hosts are all hosts there ever were.
func (s *Net) Hosts() []*Host { return s.hosts }

// Trace is a hash over everything that happened.
func (s *Net) Trace() string { return fmt.Sprintf("%016x", s.hash) }

// schedule plans the next Tick of a host.
func (s *Net) schedule(i int) {
	h := s.hosts[i]
	next := h.Node.Next()
	if next.IsZero() {
		return
	}
	at := max(next.Sub(epoch), s.now)
	if h.tick < 0 || at < h.tick {
		h.tick = at
		s.plan(at-s.now, i, chord.Tick{})
	}
}

// Split parts the network by the side each host is on; nil heals it.
func (s *Net) Split(side func(host int) int) { s.side = side }

// Deafen makes links that carry nothing one way, and nobody is told; nil heals
// them.
func (s *Net) Deafen(deaf func(from, to int) bool) { s.deaf = deaf }

// Bar makes hosts cut others off, as when a phone is revoked: connections between them are
// refused, and what one that is barred has signed is dropped whoever brings it.
func (s *Net) Bar(barred func(at, of int) bool) { s.barred = barred }

// Find, Get and Put are requests of the user at a host.
func (s *Net) Find(i int, key overlay.ID, done func(chord.Found)) {
	s.ask(i, func(ref uint64) chord.Event { return chord.Find{Ref: ref, Key: key} },
		func(a chord.Action) { done(a.(chord.Found)) })
}

func (s *Net) Get(i int, resource overlay.ID, done func(chord.Got), kinds ...overlay.Kind) {
	s.ask(i, func(ref uint64) chord.Event { return chord.Get{Ref: ref, Resource: resource, Kinds: kinds} },
		func(a chord.Action) { done(a.(chord.Got)) })
}

func (s *Net) Put(i int, r overlay.Record, done func(chord.Kept)) {
	s.ask(i, func(ref uint64) chord.Event { return chord.Put{Ref: ref, Record: r} },
		func(a chord.Action) { done(a.(chord.Kept)) })
}

func (s *Net) ask(i int, ev func(ref uint64) chord.Event, done func(chord.Action)) {
	if s.hosts[i].Node == nil {
		return
	}
	s.nextRef++
	s.waiting[s.nextRef] = done
	s.step(i, ev(s.nextRef))
}

// After plans something.
func (s *Net) After(d time.Duration, do func()) {
	s.seq++
	s.agenda.push(happening{at: s.now + d, seq: s.seq, host: -1, do: do})
}

// Run lets time pass.
func (s *Net) Run(d time.Duration) { s.RunUntil(d, nil) }

// RunUntil lets time pass, at most d, until the condition holds, which is looked
// at every tenth of a second. It returns how long that took and whether it holds.
func (s *Net) RunUntil(d time.Duration, holds func() bool) (time.Duration, bool) {
	start := s.now
	end := s.now + d
	look := s.now
	for {
		if holds != nil && s.now >= look {
			if holds() {
				return s.now - start, true
			}
			look = s.now + 100*time.Millisecond
		}
		if len(s.agenda) == 0 || s.agenda[0].at > end {
			s.now = end
			return d, holds != nil && holds()
		}
		if holds != nil && s.agenda[0].at > look {
			s.now = look
			continue
		}
		h := s.agenda.pop()
		s.now = h.at
		if h.do != nil {
			h.do()
			continue
		}
		host := s.hosts[h.host]
		if host.Node == nil || host.life != h.life {
			s.missed(h)
			continue
		}
		if _, ok := h.ev.(chord.Tick); ok {
			if host.tick != h.at {
				continue // an earlier one was planned since
			}
			host.tick = -1
		}
		s.step(h.host, h.ev)
	}
}

// missed tells the sender that nobody listens where its message went.
func (s *Net) missed(h happening) {
	if r, ok := h.ev.(chord.Receive); ok {
		s.unreachable(s.byID[r.From.ID], h.host)
	}
}

func (s *Net) unreachable(from, to int) {
	d := s.delay()
	if s.cfg.Silent > 0 || s.side != nil {
		d += max(s.cfg.Silent, 2*time.Second)
	}
	s.plan(d, from, chord.Lost{Peer: s.hosts[to].Peer.ID})
}

func (s *Net) delay() time.Duration {
	most := s.cfg.Jitter
	if most == 0 {
		most = s.cfg.Delay / 2
	}
	if most == 0 {
		return s.cfg.Delay
	}
	return s.cfg.Delay + time.Duration(s.rng.Int64N(int64(most)+1))
}

func (s *Net) plan(d time.Duration, host int, ev chord.Event) {
	s.seq++
	s.agenda.push(happening{at: s.now + d, seq: s.seq, host: host, life: s.hosts[host].life, ev: ev})
}

func (s *Net) step(i int, ev chord.Event) {
	h := s.hosts[i]
	now := s.now
	if h.Malice != 0 && s.pervert(i, ev) {
		return
	}
	joined := h.Node.Joined()
	acts := h.Node.Step(epoch.Add(now), ev)
	if h.Node.Joined() && !joined {
		s.members = nil
		s.joinTook = append(s.joinTook, now-h.began)
	}
	s.trace(i, ev, len(acts))
	if s.Observe != nil {
		s.Observe(i, now, ev, acts)
	}
	var answers []chord.Action
	for _, a := range acts {
		switch a := a.(type) {
		case chord.Send:
			s.send(i, a)
		case chord.Save:
			h.Disk[a.Record.Slot()] = a.Record
		case chord.Drop:
			delete(h.Disk, a.Slot)
		case chord.Left:
			s.off(h)
		case chord.Found, chord.Got, chord.Kept:
			answers = append(answers, a)
		}
	}
	if h.Node != nil {
		s.schedule(i)
	}
	for _, a := range answers { // last: whoever gets one may ask again
		var ref uint64
		switch a := a.(type) {
		case chord.Found:
			ref = a.Ref
		case chord.Got:
			ref = a.Ref
		case chord.Kept:
			ref = a.Ref
		}
		if done := s.waiting[ref]; done != nil {
			delete(s.waiting, ref)
			done(a)
		}
	}
}

func (s *Net) send(from int, a chord.Send) {
	to, ok := s.byID[a.To.ID]
	if !ok {
		if to, ok = s.byAddr[a.To.Addr]; !ok {
			return
		}
		if !a.To.ID.IsZero() { // another answers there: its certificate says so
			s.plan(s.delay(), from, chord.Lost{Peer: a.To.ID})
			return
		}
	}
	if s.hosts[from].Malice != 0 && !s.tamper(from, &a.Msg) {
		return
	}
	s.Messages++
	s.Bytes += uint64(Size(a.Msg))
	if s.side != nil && s.side(from) != s.side(to) {
		s.unreachable(from, to)
		return
	}
	if s.barred != nil {
		if s.barred(from, to) || s.barred(to, from) {
			s.plan(s.delay(), from, chord.Lost{Peer: s.hosts[to].Peer.ID})
			return
		}
		if s.barred(to, s.byID[a.Msg.From.ID]) {
			return
		}
	}
	if s.deaf != nil && s.deaf(from, to) {
		return
	}
	if s.cfg.Loss > 0 && s.rng.Float64() < s.cfg.Loss {
		return
	}
	m := a.Msg
	if m.From.ID != s.hosts[from].Peer.ID {
		m.From.Addr = netip.AddrPort{} // as on the wire: only the table tells
	}
	s.plan(s.delay(), to, chord.Receive{From: s.hosts[from].Peer, Msg: m})
}

// trace adds an event to the hash.
func (s *Net) trace(i int, ev chord.Event, acts int) {
	kind := byte(0)
	var tx uint64
	switch ev := ev.(type) {
	case chord.Receive:
		kind, tx = 1+bodyKind(ev.Msg.Body), ev.Msg.Tx
	case chord.Tick:
		kind = 100
	case chord.Lost:
		kind, tx = 101, binary.BigEndian.Uint64(ev.Peer[:8])
	}
	var b [8 * 5]byte
	binary.BigEndian.PutUint64(b[0:], s.hash)
	binary.BigEndian.PutUint64(b[8:], uint64(s.now))
	binary.BigEndian.PutUint64(b[16:], uint64(i)<<8|uint64(kind))
	binary.BigEndian.PutUint64(b[24:], tx)
	binary.BigEndian.PutUint64(b[32:], uint64(acts))
	h := fnv.New64a()
	h.Write(b[:])
	s.hash = h.Sum64()
}
